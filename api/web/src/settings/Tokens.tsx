import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "../components/Badge";
import { Dialog } from "../components/Dialog";
import { Failure, Loading } from "../components/Notice";
import { type Column, Table } from "../components/Table";
import { Moment } from "../components/Times";
import { revokeToken, type Token, tokensQuery } from "../services/admin";
import { NewToken } from "./NewToken";

/** Access tokens: who has which role. */
export function Tokens() {
  const { data, error, refetch } = useQuery(tokensQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  return (
    <section className="panel wide">
      <div className="panel-head">
        <h2>Tokens</h2>
        <button type="button" className="button" onClick={() => setCreating(true)}>
          New token…
        </button>
      </div>
      {data ? (
        <Table label="Tokens" columns={columns(setRevoking)} rows={data} rowKey={(t) => t.id} limit={20} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading rows={3} />
      )}
      {creating && <NewToken onClose={() => setCreating(false)} />}
      {revoking && <Revoke token={revoking} onClose={() => setRevoking(undefined)} />}
    </section>
  );
}

function columns(revoke: (token: Token) => void): Column<Token>[] {
  return [
    { head: "Subject", className: "name", sort: (t) => t.subject, cell: (t) => t.subject },
    { head: "Role", sort: (t) => t.role, cell: (t) => t.role },
    { head: "Id", className: "mono", cell: (t) => t.id },
    { head: "Created", sort: (t) => t.created_at.getTime(), cell: (t) => <Moment at={t.created_at} /> },
    { head: "Expires", cell: (t) => (t.expires_at ? <Moment at={t.expires_at} /> : "never") },
    {
      head: "State",
      cell: (t) =>
        t.revoked_at ? (
          <Badge>revoked</Badge>
        ) : (
          <button
            type="button"
            className="link"
            aria-label={`Revoke the token of ${t.subject}`}
            onClick={() => revoke(t)}
          >
            Revoke…
          </button>
        ),
    },
  ];
}

function Revoke({ token, onClose }: { token: Token; onClose: () => void }) {
  const queryClient = useQueryClient();
  const send = useMutation({
    mutationFn: () => revokeToken(token.id),
    onSuccess: async () => {
      await queryClient.invalidateQueries({ queryKey: tokensQuery.queryKey });
      onClose();
    },
  });
  return (
    <Dialog title="Revoke this token?" onClose={onClose}>
      <p>
        The token of <b>{token.subject}</b> ({token.role}) and every browser signed in with it stop working at once.
      </p>
      {send.error && (
        <p className="problem" role="alert">
          {send.error.message}
        </p>
      )}
      <div className="actions">
        <button type="button" className="button" onClick={onClose}>
          Cancel
        </button>
        <button type="button" className="button danger" disabled={send.isPending} onClick={() => send.mutate()}>
          Revoke
        </button>
      </div>
    </Dialog>
  );
}
