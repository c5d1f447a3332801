import type { AI } from "../services/ai";
import { Problem, useChange } from "./change";

/** Which kinds of data a model may see. */
export function DataTypes({ ai, admin }: { ai: AI; admin: boolean }) {
  const change = useChange(ai.environment);
  const toggle = (name: string) =>
    change.mutate({
      data_types: ai.data_types.includes(name) ? ai.data_types.filter((t) => t !== name) : [...ai.data_types, name],
    });
  const shown = (change.isPending && change.variables.data_types) || ai.data_types;
  return (
    <section className="panel">
      <h2>What a model may see</h2>
      <p className="muted">What is off is withheld with the tools that reveal it. None is on by itself.</p>
      <ul className="kinds">
        {ai.kinds.map((k) => (
          <li key={k.name}>
            <label className="switch">
              <input
                type="checkbox"
                checked={shown.includes(k.name)}
                disabled={!admin || change.isPending}
                aria-describedby={`kind-${k.name}`}
                onChange={() => toggle(k.name)}
              />
              {k.name}
            </label>
            <p id={`kind-${k.name}`} className="muted">
              {k.includes} {k.tools.length > 0 ? `Tools: ${k.tools.join(", ")}.` : "No tool here reveals it."}
            </p>
          </li>
        ))}
      </ul>
      <Problem error={change.error} />
    </section>
  );
}
