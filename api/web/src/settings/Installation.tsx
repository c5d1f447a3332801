import { Facts } from "../components/Facts";
import type { Whoami } from "../services/session";

/** What runs here, and as whom it is looked at. */
export function Installation({ who }: { who: Whoami }) {
  return (
    <section className="panel">
      <h2>This installation</h2>
      <Facts
        facts={[
          ["Environment", who.environment],
          ["Version", who.version],
          ["Signed in as", who.subject],
          ["Role", who.role],
          ["Namespaces", who.namespaces.length > 0 ? who.namespaces.join(", ") : "all"],
          [
            "Workflows",
            who.temporal_ui && (
              <a href={who.temporal_ui} target="_blank" rel="noreferrer">
                Temporal UI ↗
              </a>
            ),
          ],
        ]}
      />
      <p className="muted">
        What each kernel hook, port and sandbox layer of a machine does is shown there by <code>midwatch doctor</code>.
      </p>
    </section>
  );
}
