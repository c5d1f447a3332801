import { useMutation, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Copy } from "../components/Copy";
import { Dialog } from "../components/Dialog";
import { createToken, tokensQuery } from "../services/admin";
import { type TokenRole, tokenRoles } from "../services/session";

/** Makes a token and shows its text this once. */
export function NewToken({ onClose }: { onClose: () => void }) {
  const queryClient = useQueryClient();
  const create = useMutation({
    mutationFn: (grant: { subject: string; role: TokenRole }) => createToken(grant),
    onSuccess: () => queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey }),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const role = tokenRoles.find((r) => r === form.get("role"));
    if (role) create.mutate({ subject: String(form.get("subject")).trim(), role });
  };
  if (create.data) {
    return (
      <Dialog title="The new token" onClose={onClose}>
        <p>
          Keep it now: it is shown this once. It is for <b>{create.data.subject}</b>, role {create.data.role}.
        </p>
        <pre className="code" tabIndex={0} aria-label="Token">
          {create.data.text}
        </pre>
        <div className="actions">
          <Copy text={create.data.text} />
          <button type="button" className="button primary" onClick={onClose}>
            Done
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="New token" onClose={onClose}>
      <form className="fields" onSubmit={submit}>
        <label htmlFor="subject">For whom? The audit log names them.</label>
        <input id="subject" name="subject" required maxLength={200} autoComplete="off" />
        <label htmlFor="role">Role</label>
        <select id="role" name="role" defaultValue="viewer">
          {tokenRoles.map((r) => (
            <option key={r} value={r}>
              {r}: {may[r]}
            </option>
          ))}
        </select>
        {create.error && (
          <p className="problem" role="alert">
            {create.error.message}
          </p>
        )}
        <div className="actions">
          <button type="button" className="button" onClick={onClose}>
            Cancel
          </button>
          <button type="submit" className="button primary" disabled={create.isPending}>
            Create
          </button>
        </div>
      </form>
    </Dialog>
  );
}

const may: Record<TokenRole, string> = {
  reporter: "posts alerts, reads nothing",
  viewer: "reads",
  operator: "starts investigations",
  approver: "decides on fixes",
  admin: "tokens, settings, audit log",
};
