import { Link } from "@tanstack/react-router";
import type { Column } from "../components/Table";
import { millis, number, percent, rate } from "../model/format";
import type { Edge, Measure, Operation } from "../services/results";

/** The columns every group of requests has. */
export function measureColumns<T extends Measure>(): Column<T>[] {
  return [
    { head: "Requests", numeric: true, sort: (m) => m.requests, cell: (m) => number(m.requests) },
    { head: "Rate", numeric: true, sort: (m) => m.rate_per_s, cell: (m) => rate(m.rate_per_s) },
    {
      head: "Errors",
      numeric: true,
      sort: (m) => m.error_ratio,
      cell: (m) => <span className={m.error_ratio >= 0.01 ? "bad" : undefined}>{percent(m.error_ratio)}</span>,
    },
    { head: "p50", numeric: true, sort: (m) => m.p50_ms, cell: (m) => millis(m.p50_ms) },
    { head: "p95", numeric: true, sort: (m) => m.p95_ms, cell: (m) => millis(m.p95_ms) },
  ];
}

export const operationColumns: Column<Operation>[] = [
  { head: "Operation", className: "name mono wide", sort: (o) => o.operation, cell: (o) => o.operation },
  ...measureColumns<Operation>(),
];

/** Columns of edges seen from one end: the other end is named. */
export function edgeColumns(other: "from" | "to"): Column<Edge>[] {
  return [
    {
      head: other === "from" ? "Caller" : "Service",
      className: "name",
      sort: (e) => e[other],
      cell: (e) => <ServiceLink name={e[other]} />,
    },
    { head: "Speaks", cell: (e) => e.protocol },
    ...measureColumns<Edge>().filter((c) => c.head !== "Requests"),
  ];
}

/** A service's name as a link; a host:port that nobody known answers at is no service. */
export function ServiceLink({ name }: { name: string }) {
  if (/:\d+$/.test(name)) return <span className="mono">{name}</span>;
  return (
    <Link to="/services/$name" params={{ name }}>
      {name}
    </Link>
  );
}
