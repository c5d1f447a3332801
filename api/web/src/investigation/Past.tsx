import { Link } from "@tanstack/react-router";
import { Ago } from "../components/Times";
import { words } from "../model/format";
import type { PastIncident } from "../services/investigations";

/** Incidents that looked like this one: where the analyst could look first, and nothing that was taken for granted. */
export function Past({ past }: { past: PastIncident[] }) {
  if (past.length === 0) return null;
  return (
    <section className="panel">
      <h2>Looked like this before</h2>
      <ul className="plain-list">
        {past.map((p) => (
          <li key={p.incident}>
            <Link to="/investigations/$id" params={{ id: p.investigation }}>
              {p.title}
            </Link>
            <p className="muted">
              <Ago at={p.at} /> · {words(p.outcome)} · {Math.round(100 * p.alike)} % alike
            </p>
          </li>
        ))}
      </ul>
    </section>
  );
}
