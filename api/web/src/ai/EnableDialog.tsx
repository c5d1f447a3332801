import { Dialog } from "../components/Dialog";
import type { AI, Provider } from "../services/ai";
import { Terms } from "./Terms";
import { Problem, useChange } from "./change";

/** Asks once more, with everything that will leave and the exact terms under which. */
export function EnableDialog({ ai, providers, onClose }: { ai: AI; providers: Provider[]; onClose: () => void }) {
  const change = useChange(ai.environment, onClose);
  const listed = ai.providers.flatMap((l) => providers.filter((p) => p.name === l.name && !p.unusable));
  // Whoever begins with keys of their own never falls back to another's account.
  const asked = listed.filter((p) => p.environment === listed[0]?.environment);
  const confirm = asked.map((p) => ({ provider: p.name, terms: p.terms }));
  return (
    <Dialog title={`Let a model decide in ${ai.environment}?`} onClose={onClose}>
      <p>
        From now on, what investigations find may leave for these providers:{" "}
        <b>{ai.data_types.length > 0 ? ai.data_types.join(", ") : "no kind of data is on yet"}</b>.
      </p>
      {asked.map((p) => (
        <Terms key={p.name} provider={p} />
      ))}
      <Problem error={change.error} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          className="button primary"
          disabled={change.isPending}
          onClick={() => change.mutate({ enabled: true, providers: listed.map((p) => p.name), confirm })}
        >
          Confirm these terms and switch on
        </button>
      </div>
    </Dialog>
  );
}
