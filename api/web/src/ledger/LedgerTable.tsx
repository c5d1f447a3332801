import { Link } from "@tanstack/react-router";
import { Badge } from "../components/Badge";
import { type Column, Table } from "../components/Table";
import { Moment } from "../components/Times";
import { number } from "../model/format";
import type { Tone } from "../model/labels";
import { dollars } from "../model/models";
import type { CallState, LedgerEntry } from "../services/ledger";

const tones: Record<CallState, Tone> = { begun: "busy", answered: "good", failed: "bad", closed: "warn" };

export function StateBadge({ state }: { state: CallState }) {
  return <Badge tone={tones[state]}>{state}</Badge>;
}

const columns: Column<LedgerEntry>[] = [
  {
    head: "Time",
    sort: (e) => e.begun_at.getTime(),
    cell: (e) => (
      <Link to="/settings/ledger/$id" params={{ id: e.id }}>
        <Moment at={e.begun_at} />
      </Link>
    ),
  },
  {
    head: "Investigation",
    className: "mono",
    cell: (e) => (
      <Link to="/investigations/$id" params={{ id: e.call.investigation }}>
        {e.call.investigation}
      </Link>
    ),
  },
  { head: "Turn", numeric: true, cell: (e) => (e.attempt > 1 ? `${e.call.turn} (again)` : e.call.turn) },
  { head: "Provider", sort: (e) => e.provider, cell: (e) => e.provider },
  { head: "Account", sort: (e) => e.account, cell: (e) => e.account },
  { head: "Model", className: "mono", cell: (e) => e.model },
  {
    head: "Tokens in",
    numeric: true,
    sort: (e) => into(e),
    cell: (e) => <span title={cached(e)}>{number(into(e))}</span>,
  },
  { head: "out", numeric: true, sort: (e) => e.usage.output, cell: (e) => number(e.usage.output) },
  { head: "Cost", numeric: true, sort: (e) => e.cost, cell: (e) => dollars(e.cost) },
  { head: "Data", cell: (e) => e.data_types.join(", ") },
  {
    head: "Redacted",
    numeric: true,
    sort: (e) => removed(e),
    cell: (e) => number(removed(e)),
  },
  { head: "State", sort: (e) => e.state, cell: (e) => <StateBadge state={e.state} /> },
];

function into(e: LedgerEntry): number {
  return e.usage.input + e.usage.cache_read + e.usage.cache_write;
}

function cached(e: LedgerEntry): string {
  return `${number(e.usage.cache_read)} of them from the provider's cache`;
}

function removed(e: LedgerEntry): number {
  return Object.values(e.redactions).reduce((a, b) => a + b, 0);
}

/** Calls to models, newest first. */
export function LedgerTable({ entries }: { entries: LedgerEntry[] }) {
  return (
    <Table label="Calls" columns={columns} rows={entries} rowKey={(e) => e.id} empty="No call was made to a model." />
  );
}
