import type { AI, Provider } from "../services/ai";
import { sentence } from "../model/format";

/** Says what is on, what leaves, and to whom. */
export function Words({ ai, providers }: { ai: AI; providers: Provider[] }) {
  if (!ai.active) {
    return (
      <>
        <p className="lead">Nothing leaves for a model. The built-in analyst does the investigations.</p>
        {ai.inactive && ai.inactive !== "it is switched off" && <p>{sentence(ai.inactive)}</p>}
      </>
    );
  }
  const [first, ...others] = ai.providers.filter((p) => p.asked).map((p) => describe(p.name, providers));
  return (
    <>
      <p className="lead">
        Investigations that begin now are decided by {first}.
        {others.length > 0 && ` If that cannot be reached or is overloaded, ${others.join(", then ")} is asked.`} If
        nobody answers, the built-in analyst goes on.
      </p>
      <p>
        What leaves: Midwatch’s instructions, the triggers, and what the tools found:{" "}
        <b>{ai.data_types.length > 0 ? ai.data_types.join(", ") : "nothing yet, no kind of data is on"}</b>. Before it
        leaves, secrets are removed, and addresses and names of machines and people are replaced.
      </p>
    </>
  );
}

function describe(name: string, providers: Provider[]): string {
  const p = providers.find((p) => p.name === name);
  return p ? `${p.model} at ${p.address} on the account “${p.account}”` : name;
}
