import { useMutation } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Dialog } from "../components/Dialog";
import { approve, type Decision, type Fix, reject } from "../services/investigations";
import type { Whoami } from "../services/session";
import { FixContent } from "./FixContent";

interface Props {
  fix: Fix;
  onDone: (decision: Decision) => void;
  onClose: () => void;
}

/** Asks once more, with everything that will be signed. */
export function ApproveDialog({ fix, who, onDone, onClose }: Props & { who: Whoami }) {
  // The digest of what this dialog shows, even if the page changes behind it.
  const send = useMutation({ mutationFn: () => approve(fix.id, fix.digest), onSuccess: onDone });
  return (
    <Dialog title="Apply this fix?" onClose={onClose}>
      <p>
        This runs once, exactly as shown, in environment <b>{who.environment}</b>. The audit log will name you,{" "}
        <b>{who.subject}</b>.
      </p>
      <FixContent fix={fix} />
      <Problem error={send.error} />
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button primary" disabled={send.isPending} onClick={() => send.mutate()}>
          Approve and apply
        </button>
      </div>
    </Dialog>
  );
}

/** A rejection says why. */
export function RejectDialog({ fix, onDone, onClose }: Props) {
  const send = useMutation({ mutationFn: (reason: string) => reject(fix.id, fix.digest, reason), onSuccess: onDone });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    send.mutate(String(new FormData(event.currentTarget).get("reason")).trim());
  };
  return (
    <Dialog title="Reject this fix?" onClose={onClose}>
      <form className="fields" onSubmit={submit}>
        <label htmlFor="reason">Reason, for the audit log</label>
        <textarea id="reason" name="reason" rows={3} required maxLength={1000} />
        <Problem error={send.error} />
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button danger" disabled={send.isPending}>
            Reject
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Problem({ error }: { error: Error | null }) {
  if (!error) return null;
  return (
    <p className="problem" role="alert">
      {error.message}
    </p>
  );
}
