import { useMutation } from "@tanstack/react-query";
import { useNavigate } from "@tanstack/react-router";
import type { FormEvent } from "react";
import { Dialog } from "../components/Dialog";
import { ask } from "../services/investigations";
import { Understood } from "./Understood";

/** Starts an investigation of a person's question, says what of it was understood, and leads to its page. */
export function AskDialog({ onClose }: { onClose: () => void }) {
  const navigate = useNavigate();
  const start = useMutation({
    mutationFn: ({ question, service }: { question: string; service: string }) => ask(question, service),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    start.mutate({ question: String(form.get("question")), service: String(form.get("service")).trim() });
  };
  if (start.data) {
    const params = { id: start.data.investigation };
    return (
      <Dialog title="Investigating" onClose={onClose}>
        <Understood asked={start.data} />
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Close
          </button>
          <button
            type="button"
            className="button primary"
            autoFocus
            onClick={() => void navigate({ to: "/investigations/$id", params })}
          >
            Follow it
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Investigate" onClose={onClose}>
      <form className="fields" onSubmit={submit}>
        <label htmlFor="question">What is wrong?</label>
        <textarea
          id="question"
          name="question"
          rows={3}
          required
          maxLength={2000}
          placeholder="Checkout is slow since noon"
        />
        <label htmlFor="service">Service, if known</label>
        <input id="service" name="service" maxLength={200} />
        {start.error && (
          <p className="problem" role="alert">
            {start.error.message}
          </p>
        )}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={start.isPending}>
            Start
          </button>
        </div>
      </form>
    </Dialog>
  );
}
