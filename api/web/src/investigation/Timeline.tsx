import { ClockTime } from "../components/Times";
import type { Evidence, Investigation, ToolCall, Turn } from "../services/investigations";
import { EvidenceCard } from "./EvidenceCard";

/** Turn by turn: what the analyst said, what it asked, and what came back. */
export function Timeline({ investigation }: { investigation: Investigation }) {
  const { turns, status } = investigation;
  const byCall = new Map(investigation.evidence.map((e) => [e.call, e]));
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">How it was found</h2>
      {turns.length === 0 && (
        <p className="muted">{status === "running" ? "The first turn is under way…" : "No turns."}</p>
      )}
      <ol className="turns">
        {turns.map((turn) => (
          <TurnView key={turn.number} turn={turn} byCall={byCall} investigation={investigation} />
        ))}
      </ol>
    </section>
  );
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
      </p>
      <p className="say">{turn.say}</p>
      {turn.calls.map((call) => {
        const evidence = byCall.get(call.id);
        return evidence ? (
          <EvidenceCard key={call.id} call={call} evidence={evidence} investigation={investigation.id} />
        ) : (
          <PendingCall key={call.id} call={call} running={investigation.status === "running"} />
        );
      })}
    </li>
  );
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
