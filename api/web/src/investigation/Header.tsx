import { Badge } from "../components/Badge";
import { Entity } from "../components/Entity";
import { Facts } from "../components/Facts";
import { ClockTime, Moment } from "../components/Times";
import { duration, percent, words } from "../model/format";
import { decider } from "../model/models";
import { incidentTone, severityTone, statusLabel, verdictLabels } from "../model/labels";
import { useNow } from "../model/now";
import { searchOf } from "../model/range";
import type { Investigation, Report } from "../services/investigations";
import { allows, type Whoami } from "../services/session";
import { Cancel } from "./Cancel";

interface Props {
  investigation: Investigation;
  live: boolean;
  history: string | undefined;
  who: Whoami;
}

/** Title, state and the answer at a glance. */
export function Header({ investigation, live, history, who }: Props) {
  const { incident, report, request, status } = investigation;
  const title = report?.title || incident?.title || request.question || "Investigation";
  return (
    <header className="story-head">
      <div className="states">
        {incident && <Badge tone={severityTone(incident.severity)}>{incident.severity}</Badge>}
        {incident && (
          <span data-incident-status={incident.status}>
            <Badge tone={incidentTone(incident.status)}>{statusLabel(incident.status)}</Badge>
          </span>
        )}
        {status === "failed" && <Badge tone="bad">investigation failed</Badge>}
        {status === "running" && allows(who.role, "operator") && <Cancel id={investigation.id} />}
        <span className={live ? "live on" : "live"}>{live ? "Live" : "Connecting…"}</span>
        {history && (
          <a href={history} target="_blank" rel="noreferrer">
            Workflow history ↗
          </a>
        )}
      </div>
      <h1>{title}</h1>
      {report ? <Answer investigation={investigation} report={report} /> : <Progress investigation={investigation} />}
    </header>
  );
}

function Answer({ investigation, report }: { investigation: Investigation; report: Report }) {
  const { text, tone } = verdictLabels[report.verdict];
  const { fault } = investigation.request;
  const at = searchOf({ kind: "between", from: fault.from, to: fault.to });
  return (
    <Facts
      className="answer"
      facts={[
        ["Verdict", <Badge tone={tone}>{text}</Badge>],
        ["Culprit", report.culprit && <Entity id={report.culprit} search={at} />],
        ["Mechanism", report.mechanism && words(report.mechanism)],
        ["Confidence", <Confidence value={report.confidence} />],
        ["Onset", report.onset && <Moment at={report.onset} />],
        ["Took", <Took investigation={investigation} />],
        ["Decided by", decider(investigation).who],
      ]}
    />
  );
}

function Confidence({ value }: { value: number }) {
  return (
    <span className="confidence">
      <meter min={0} max={1} low={0.5} high={0.75} optimum={1} value={value} aria-label="Confidence" />
      {percent(value)}
    </span>
  );
}

function Progress({ investigation }: { investigation: Investigation }) {
  const { turns, request, status } = investigation;
  if (status === "failed") {
    return <p className="problem">It ended without a report. The workflow history says why.</p>;
  }
  return (
    <p className="progress" role="status">
      <span className="pulse" aria-hidden="true" />
      Investigating: turn {Math.max(turns.length, 1)} of at most {request.budget.turns}, since{" "}
      <ClockTime at={investigation.started_at} /> (<Took investigation={investigation} />
      ), decided by {decider(investigation).who}
    </p>
  );
}

function Took({ investigation: { started_at, ended_at } }: { investigation: Investigation }) {
  const now = useNow();
  return duration(Math.max(0, (ended_at ?? now).getTime() - started_at.getTime()));
}
