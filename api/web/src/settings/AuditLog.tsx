import { useQuery } from "@tanstack/react-query";
import { Badge } from "../components/Badge";
import { Failure, Loading } from "../components/Notice";
import { type Column, Table } from "../components/Table";
import { Moment } from "../components/Times";
import type { Tone } from "../model/labels";
import { type AuditEntry, auditQuery } from "../services/admin";

const tones: Record<string, Tone> = { denied: "bad", refused: "warn", failed: "bad" };

const columns: Column<AuditEntry>[] = [
  { head: "Time", cell: (e) => <Moment at={e.at} /> },
  { head: "Who", sort: (e) => e.subject, cell: (e) => e.subject || <span className="muted">unknown</span> },
  { head: "Action", className: "mono", sort: (e) => e.action, cell: (e) => e.action },
  { head: "Object", className: "mono", cell: (e) => e.object },
  {
    head: "Outcome",
    sort: (e) => e.outcome,
    cell: (e) => <Badge tone={tones[e.outcome] ?? "plain"}>{e.outcome}</Badge>,
  },
  { head: "Detail", className: "wide", cell: (e) => <span className="muted">{e.detail}</span> },
];

/** Who did what, or tried to. */
export function AuditLog() {
  const { data, error, refetch } = useQuery(auditQuery);
  return (
    <section className="panel wide">
      <h2>Audit log</h2>
      {data ? (
        <Table label="Audit log" columns={columns} rows={data} rowKey={(e) => e.id} limit={15} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </section>
  );
}
