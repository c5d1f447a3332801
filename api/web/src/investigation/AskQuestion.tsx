import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { askQuestion } from "../services/questions";

/** A box for a follow-up question. What was sent and not acknowledged can be sent again without being asked twice. */
export function AskQuestion({ investigation }: { investigation: string }) {
  const [requestID] = useState(() => crypto.randomUUID());
  const [text, setText] = useState("");
  const send = useMutation({ mutationFn: () => askQuestion(investigation, text.trim(), requestID) });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (text.trim()) send.mutate();
  };
  return (
    <form className="ask" onSubmit={submit}>
      <label htmlFor="follow-up">Ask about this investigation</label>
      <textarea
        id="follow-up"
        rows={2}
        maxLength={1000}
        required
        value={text}
        placeholder="Was the database slow before the deployment?"
        onChange={(event) => setText(event.target.value)}
      />
      {send.error && (
        <p className="problem" role="alert">
          {send.error.message}
        </p>
      )}
      <div className="actions">
        <button type="submit" className="button" disabled={send.isPending || send.isSuccess || !text.trim()}>
          {send.isSuccess ? "Asked" : "Ask"}
        </button>
      </div>
    </form>
  );
}
