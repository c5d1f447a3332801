import { Badge } from "../components/Badge";
import { Entity } from "../components/Entity";
import type { Check, Claim, Report } from "../services/investigations";
import { EvidenceLinks } from "./opening";

/** The report: summary, causal chain, what was ruled out, what is missing. All text is plain text. */
export function ReportView({ report }: { report: Report }) {
  return (
    <section className="report" aria-labelledby="report">
      <h2 id="report">Report</h2>
      <p className="summary">{report.summary}</p>
      {report.chain.length > 0 && (
        <>
          <h3>From cause to symptom</h3>
          <ol className="chain">
            {report.chain.map((claim) => (
              <ClaimView key={claim.id} claim={claim} />
            ))}
          </ol>
        </>
      )}
      {report.ruled_out.length > 0 && (
        <>
          <h3>Ruled out</h3>
          <ul className="plain-list">
            {report.ruled_out.map((r) => (
              <li key={r.entity + r.why}>
                <Entity id={r.entity} /> <span>{r.why}</span> <EvidenceLinks ids={r.evidence} />
              </li>
            ))}
          </ul>
        </>
      )}
      {report.missing.length > 0 && (
        <>
          <h3>Missing data</h3>
          <ul className="plain-list">
            {report.missing.map((m) => (
              <li key={m}>{m}</li>
            ))}
          </ul>
        </>
      )}
    </section>
  );
}

export function ClaimView({ claim }: { claim: Claim }) {
  return (
    <li className={claim.struck ? "struck" : undefined}>
      <p>
        {claim.struck ? <s>{claim.text}</s> : claim.text} <EvidenceLinks ids={claim.evidence} />
      </p>
      {claim.struck && <p className="problem">Struck: {claim.struck}</p>}
      {claim.checks.length > 0 && <Checks checks={claim.checks} />}
    </li>
  );
}

function Checks({ checks }: { checks: Check[] }) {
  const counting = checks.filter((c) => c.holds && c.counts).length;
  const failing = checks.filter((c) => !c.holds).length;
  return (
    <details className="checks">
      <summary>
        {checks.length === 1 ? "1 check" : `${checks.length} checks`}
        {failing > 0 && <Badge tone="bad">{failing} failed</Badge>}
        {counting > 0 ? <Badge tone="good">{counting} counts</Badge> : failing === 0 && <Badge>holds</Badge>}
      </summary>
      <ul>
        {checks.map((c) => (
          <li key={c.expression}>
            <CheckBadge check={c} />
            <div>
              <code>{c.expression}</code>
              {c.note && <p className="muted">{c.note}</p>}
            </div>
          </li>
        ))}
      </ul>
    </details>
  );
}

/** A check counts when it holds on the evidence and neither on nothing nor on healthy time. */
function CheckBadge({ check }: { check: Check }) {
  if (!check.holds) return <Badge tone="bad">failed</Badge>;
  return check.counts ? <Badge tone="good">counts</Badge> : <Badge>holds</Badge>;
}
