import { Fragment } from "react";
import { ClockTime } from "../components/Times";
import { decider, type Stage, stages } from "../model/models";
import type { Evidence, Investigation, ToolCall, Turn } from "../services/investigations";
import { EvidenceCard } from "./EvidenceCard";

/** Turn by turn: what the analyst said, what it asked, and what came back. */
export function Timeline({ investigation }: { investigation: Investigation }) {
  const { turns, status } = investigation;
  const stage = stages(turns);
  const byCall = new Map(investigation.evidence.map((e) => [e.call, e]));
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">How it was found</h2>
      {turns.length === 0 && (
        <p className="muted">{status === "running" ? "The first turn is under way…" : "No turns."}</p>
      )}
      <ol className="turns">
        {turns.map((turn, i) => (
          <Fragment key={turn.number}>
            {stage[i] !== stage[i - 1] && <StageMark stage={stage[i]} investigation={investigation} />}
            <TurnView turn={turn} byCall={byCall} investigation={investigation} />
          </Fragment>
        ))}
      </ol>
    </section>
  );
}

/** Where another stage begins: the attack on a draft, or the built-in analyst's own way. */
function StageMark({ stage, investigation }: { stage: Stage | undefined; investigation: Investigation }) {
  if (stage === "attack") {
    return (
      <li className="stage">
        <p>
          <b>Attack on the draft.</b> The model tries to prove its own report wrong before it stands.
        </p>
      </li>
    );
  }
  if (stage !== "takeover") return null;
  return (
    <li className="stage warned">
      <p>
        <b>The built-in analyst goes on</b> from here{reason(decider(investigation).tookOver)}
      </p>
    </li>
  );
}

function reason(why: string | undefined): string {
  return why ? `: ${why}` : ".";
}

interface TurnProps {
  turn: Turn;
  byCall: Map<string, Evidence>;
  investigation: Investigation;
}

function TurnView({ turn, byCall, investigation }: TurnProps) {
  return (
    <li>
      <p className="turn-head">
        <span className="turn-number">Turn {turn.number}</span>
        <ClockTime at={turn.at} />
        {turn.analyst === "model" && <span>model</span>}
        {turn.draft && <span>draft of the report</span>}
      </p>
      <p className="say">{turn.say}</p>
      <Calls
        calls={turn.calls}
        byCall={byCall}
        investigation={investigation.id}
        running={investigation.status === "running"}
      />
    </li>
  );
}

interface CallsProps {
  calls: ToolCall[];
  byCall: Map<string, Evidence>;
  investigation: string;
  running: boolean;
}

/** Tool calls with what they found, or that they still run. */
export function Calls({ calls, byCall, investigation, running }: CallsProps) {
  return calls.map((call) => {
    const evidence = byCall.get(call.id);
    return evidence ? (
      <EvidenceCard key={call.id} call={call} evidence={evidence} investigation={investigation} />
    ) : (
      <PendingCall key={call.id} call={call} running={running} />
    );
  });
}

function PendingCall({ call, running }: { call: ToolCall; running: boolean }) {
  return (
    <div className="evidence pending">
      <div className="evidence-head">
        <span className="evidence-id">{running && <span className="pulse" aria-hidden="true" />}</span>
        <span className="tool">{call.tool}</span>
        <span className="why">{call.why}</span>
        <span className="muted">{running ? "running…" : "no answer"}</span>
      </div>
    </div>
  );
}
