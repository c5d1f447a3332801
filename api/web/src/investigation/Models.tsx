import { Link } from "@tanstack/react-router";
import { Facts } from "../components/Facts";
import { number, sentence } from "../model/format";
import { decider, dollars, redacted, tokens } from "../model/models";
import type { Investigation } from "../services/investigations";
import { allows, type Whoami } from "../services/session";

/** Who decides, what it took so far, and what left for it. Nothing where no model was asked. */
export function Models({ investigation, who }: { investigation: Investigation; who: Whoami }) {
  const { models: use, id } = investigation;
  const { budget } = investigation.request;
  const decides = decider(investigation);
  if (!use) return null;
  const answered = [...new Set(use.answered.map((a) => `${a.model}, account ${a.account}`))];
  return (
    <section className="panel" aria-labelledby="models">
      <h2 id="models">Model</h2>
      {decides.tookOver !== undefined && (
        <p className="stage warned">The built-in analyst took over. {sentence(decides.tookOver)}</p>
      )}
      <Facts
        className="stacked"
        facts={[
          ["Decided by", decides.who],
          ["Answered by", answered.length > 1 || decides.tookOver !== undefined ? answered.join("; ") : ""],
          ["Calls", number(use.calls)],
          ["Tokens", `${number(tokens(use.usage))}${budget.tokens ? ` of at most ${number(budget.tokens)}` : ""}`],
          ["Cost", `${dollars(use.cost)}${budget.cost ? ` of at most ${dollars(budget.cost)}` : ""}`],
          ["Data sent", use.data_types.join(", ")],
          ["Redacted", redacted(use.redactions).join(", ") || "nothing"],
        ]}
      />
      {allows(who.role, "admin") && (
        <p>
          <Link to="/settings/ledger" search={(before) => ({ ...before, investigation: id })}>
            Every call, byte for byte
          </Link>
        </p>
      )}
    </section>
  );
}
