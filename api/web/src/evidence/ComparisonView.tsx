import { type Column, Table } from "../components/Table";
import { ClockTime } from "../components/Times";
import { millis, percent, rate } from "../model/format";
import type { Change, Comparison } from "../services/results";
import { Flags, worst } from "./flags";
import { ServiceLink } from "./measures";
import { fullest, PairBar } from "./PairBar";

/** The fault window beside healthy time, what got worse first. */
export function ComparisonView({ comparison }: { comparison: Comparison }) {
  const { fault_window: fault, healthy_window: healthy } = comparison;
  return (
    <div className="stack">
      <p className="muted">
        <ClockTime at={fault.from} /> – <ClockTime at={fault.to} /> against <ClockTime at={healthy.from} /> –{" "}
        <ClockTime at={healthy.to} />
      </p>
      <h4>Services</h4>
      <Table
        label="Services compared"
        columns={[
          { head: "Service", className: "name", cell: (s) => <ServiceLink name={s.service} /> },
          ...compared(comparison.services),
        ]}
        rows={worst(comparison.services)}
        rowKey={(s) => s.service}
        limit={12}
      />
      <h4>Calls</h4>
      <Table
        label="Calls compared"
        columns={[
          {
            head: "Call",
            className: "name",
            cell: (e) => (
              <>
                {e.from} → {e.to} <span className="muted">{e.protocol}</span>
              </>
            ),
          },
          ...compared(comparison.edges),
        ]}
        rows={worst(comparison.edges)}
        rowKey={(e) => e.from + e.to + e.address + e.protocol}
        limit={8}
      />
      <h4>Operations</h4>
      <Table
        label="Operations compared"
        columns={[
          {
            head: "Operation",
            className: "name",
            cell: (o) => (
              <>
                {o.service} <span className="mono">{o.operation}</span>
              </>
            ),
          },
          ...compared(comparison.operations),
        ]}
        rows={worst(comparison.operations)}
        rowKey={(o) => o.service + o.operation}
        limit={8}
      />
    </div>
  );
}

/** The columns every comparison has; bars are as long as the largest of `rows`. */
export function compared<T extends Change>(rows: T[]): Column<T>[] {
  const p95 = (c: T) => ({ fault: c.fault.p95_ms, healthy: c.healthy.p95_ms });
  const full = fullest(rows, p95);
  return [
    { head: "p95", sort: (c) => c.fault.p95_ms, cell: (c) => <PairBar pair={p95(c)} full={full} format={millis} /> },
    {
      head: "Errors",
      sort: (c) => c.fault.error_ratio,
      cell: (c) => <Was fault={c.fault.error_ratio} healthy={c.healthy.error_ratio} format={percent} />,
    },
    {
      head: "Rate",
      sort: (c) => c.fault.rate_per_s,
      cell: (c) => <Was fault={c.fault.rate_per_s} healthy={c.healthy.rate_per_s} format={rate} />,
    },
    { head: "Finding", cell: (c) => <Flags change={c} /> },
  ];
}

function Was({ fault, healthy, format }: { fault: number; healthy: number; format: (n: number) => string }) {
  return (
    <span className="pair-text">
      {format(fault)} <span className="muted">was {format(healthy)}</span>
    </span>
  );
}
