import { useMutation } from "@tanstack/react-query";
import { ClockTime } from "../components/Times";
import type { Evidence, Investigation, Question } from "../services/investigations";
import { cancelQuestion } from "../services/questions";
import { allows, type Whoami } from "../services/session";
import { AskQuestion } from "./AskQuestion";
import { EvidenceLinks } from "./opening";
import { Calls } from "./Timeline";

interface Props {
  investigation: Investigation;
  who: Whoami;
}

/** Follow-up questions and their answers, and a box for the next one. All text is plain text. */
export function Questions({ investigation, who }: Props) {
  const { questions } = investigation;
  const mayAsk = allows(who.role, "operator");
  if (questions.length === 0 && !mayAsk) return null;
  const byCall = new Map(investigation.evidence.map((e) => [e.call, e]));
  return (
    <section className="questions" aria-labelledby="questions">
      <h2 id="questions">Questions</h2>
      <ol className="exchanges" aria-live="polite">
        {questions.map((q) => (
          <Exchange key={q.id} question={q} byCall={byCall} investigation={investigation.id} mayCancel={mayAsk} />
        ))}
      </ol>
      {mayAsk && <AskQuestion key={questions.length} investigation={investigation.id} />}
    </section>
  );
}

interface ExchangeProps {
  question: Question;
  byCall: Map<string, Evidence>;
  investigation: string;
  mayCancel: boolean;
}

function Exchange({ question, byCall, investigation, mayCancel }: ExchangeProps) {
  const open = question.status === "asked";
  return (
    <li>
      <p className="asked">
        {question.text}{" "}
        <span className="muted">
          {question.asker}, <ClockTime at={question.asked_at} />
        </span>
      </p>
      {question.turns.map((turn) => (
        <Calls key={turn.number} calls={turn.calls} byCall={byCall} investigation={investigation} running={open} />
      ))}
      {question.answer && <Answer answer={question.answer} />}
      {open && (
        <p className="muted" role="status">
          <span className="pulse" aria-hidden="true" /> Looking for the answer…{" "}
          {mayCancel && <CancelQuestion investigation={investigation} question={question.id} />}
        </p>
      )}
      {question.status === "failed" && <p className="problem">There is no answer: {question.failure || "it failed"}</p>}
      {question.status === "cancelled" && <p className="muted">Cancelled.</p>}
    </li>
  );
}

function Answer({ answer }: { answer: NonNullable<Question["answer"]> }) {
  return (
    <div className="reply">
      {answer.no_model && <p className="muted">No model answered: {answer.no_model}</p>}
      <p className="reply-text">{answer.text}</p>
      <p className="muted">
        {answer.evidence.length > 0 && (
          <>
            Rests on <EvidenceLinks ids={answer.evidence} /> ·{" "}
          </>
        )}
        {answer.analyst === "builtin" ? "the built-in analyst" : answer.analyst}
      </p>
    </div>
  );
}

function CancelQuestion({ investigation, question }: { investigation: string; question: string }) {
  const send = useMutation({ mutationFn: () => cancelQuestion(investigation, question) });
  return (
    <>
      <button type="button" className="link" disabled={send.isPending || send.isSuccess} onClick={() => send.mutate()}>
        {send.isSuccess ? "Cancelling…" : "Cancel"}
      </button>
      {send.error && <span className="problem"> {send.error.message}</span>}
    </>
  );
}
