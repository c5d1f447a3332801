import { type Column, Table } from "../components/Table";
import { ClockTime } from "../components/Times";
import { millis, number } from "../model/format";
import type { SpanGroups } from "../services/results";
import { ServiceLink } from "./measures";

type Group = SpanGroups["groups"][number];

const columns: Column<Group>[] = [
  { head: "Count", numeric: true, sort: (g) => g.count, cell: (g) => number(g.count) },
  { head: "Before", numeric: true, sort: (g) => g.baseline, cell: (g) => number(g.baseline) },
  {
    head: "Service",
    className: "name",
    cell: (g) => (
      <>
        <ServiceLink name={g.service} />
        {g.peer && (
          <span className="muted">
            {" "}
            {g.side === "client" ? "→" : "←"} {g.peer}
          </span>
        )}
      </>
    ),
  },
  { head: "Operation", className: "mono wide", cell: (g) => g.operation },
  {
    head: "Error",
    className: "wide",
    cell: (g) => <span className="bad">{[g.error_type, g.code, g.message].filter(Boolean).join(" · ")}</span>,
  },
  { head: "p50", numeric: true, sort: (g) => g.p50_ms, cell: (g) => millis(g.p50_ms) },
  { head: "Longest", numeric: true, sort: (g) => g.max_ms, cell: (g) => millis(g.max_ms) },
  { head: "Last", numeric: true, cell: (g) => <ClockTime at={g.last} /> },
];

/** Spans that share everything but time. */
export function SpansView({ groups }: { groups: Group[] }) {
  return (
    <Table
      label="Groups of spans"
      columns={columns}
      rows={groups}
      rowKey={(_, i) => String(i)}
      empty="No span matched."
      limit={12}
    />
  );
}
