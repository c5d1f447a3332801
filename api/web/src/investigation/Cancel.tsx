import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { Dialog } from "../components/Dialog";
import { cancel } from "../services/investigations";

/** Ends an investigation that runs, after asking. */
export function Cancel({ id }: { id: string }) {
  const [asking, setAsking] = useState(false);
  const send = useMutation({ mutationFn: () => cancel(id), onSuccess: () => setAsking(false) });
  if (send.isSuccess) return <span role="status">Cancelling…</span>;
  return (
    <>
      <button type="button" className="link" onClick={() => setAsking(true)}>
        Cancel…
      </button>
      {asking && (
        <Dialog title="Cancel this investigation?" onClose={() => setAsking(false)}>
          <p>It ends without a report, and its incident is closed. What was found so far stays.</p>
          {send.error && (
            <p className="problem" role="alert">
              {send.error.message}
            </p>
          )}
          <div className="actions">
            <button type="button" className="button" onClick={() => setAsking(false)}>
              Let it go on
            </button>
            <button type="button" className="button danger" disabled={send.isPending} onClick={() => send.mutate()}>
              Cancel the investigation
            </button>
          </div>
        </Dialog>
      )}
    </>
  );
}
