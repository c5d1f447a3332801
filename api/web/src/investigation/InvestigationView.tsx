import { Link } from "@tanstack/react-router";
import { Facts } from "../components/Facts";
import { ClockTime } from "../components/Times";
import { words } from "../model/format";
import type { Investigation } from "../services/investigations";
import type { Whoami } from "../services/session";
import { FixPanel } from "./FixPanel";
import { Header } from "./Header";
import { Models } from "./Models";
import { Past } from "./Past";
import { Questions } from "./Questions";
import { ReportView } from "./ReportView";
import { Timeline } from "./Timeline";
import { EvidenceOpening } from "./opening";

interface Props {
  investigation: Investigation;
  who: Whoami;
  live: boolean;
  /** Page of its workflow in the Temporal UI. */
  history: string | undefined;
}

/** One investigation: what was found, how, and what to do about it. */
export function InvestigationView({ investigation, who, live, history }: Props) {
  return (
    <EvidenceOpening>
      <p className="crumbs">
        <Link to="/incidents">Incidents</Link>
      </p>
      <Header investigation={investigation} live={live} history={history} who={who} />
      <div className="story">
        <div className="story-main">
          {investigation.report && <ReportView report={investigation.report} />}
          <Questions investigation={investigation} who={who} />
          <Timeline investigation={investigation} />
        </div>
        <aside className="story-side" aria-label="Fix, models and triggers">
          {investigation.fixes.map((fix) => (
            <FixPanel key={fix.id} fix={fix} who={who} />
          ))}
          {investigation.report && investigation.fixes.length === 0 && (
            <NoFix found={investigation.report.verdict === "root_cause"} />
          )}
          <Models investigation={investigation} who={who} />
          <Past past={investigation.request.past} />
          <Triggers investigation={investigation} />
        </aside>
      </div>
    </EvidenceOpening>
  );
}

function NoFix({ found }: { found: boolean }) {
  return (
    <section className="panel">
      <h2>Fix</h2>
      <p className="muted">
        {found ? "None is proposed: none of the actions that the configuration names fits." : "None is proposed."}
      </p>
    </section>
  );
}

function Triggers({ investigation: { request, incident } }: { investigation: Investigation }) {
  const triggers = incident?.triggers.length ? incident.triggers : request.triggers;
  return (
    <section className="panel">
      <h2>What raised it</h2>
      <ol className="triggers">
        {triggers.map((t) => (
          <li key={t.id}>
            <ClockTime at={t.at} />{" "}
            <span className="muted">{[...new Set([words(t.kind), words(t.rule)])].join(" · ")}</span>
            <p>{t.summary}</p>
          </li>
        ))}
      </ol>
      {!!incident?.dropped && <p className="muted">{incident.dropped} more were too many to be kept.</p>}
      <Facts
        facts={[
          ["Asked by", request.requester],
          [
            "Fault",
            <>
              <ClockTime at={request.fault.from} /> – <ClockTime at={request.fault.to} />
            </>,
          ],
          [
            "Compared with",
            <>
              <ClockTime at={request.healthy.from} /> – <ClockTime at={request.healthy.to} />
            </>,
          ],
        ]}
      />
    </section>
  );
}
