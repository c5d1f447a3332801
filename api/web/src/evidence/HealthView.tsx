import { useMemo } from "react";
import { Chart } from "../components/Chart";
import { type Column, Table } from "../components/Table";
import { millis, rate } from "../model/format";
import { columns } from "../model/series";
import type { Edge, Health, Service } from "../services/results";
import type { Window } from "../services/wire";
import { measureColumns, operationColumns, ServiceLink } from "./measures";

/** One service over time. */
export function HealthView({ health, window }: { health: Health; window: Window }) {
  const { times, rates, latency } = useMemo(() => {
    const c = columns(health.points, window, health.step_s);
    return {
      times: c.times,
      rates: [{ label: "requests", values: c.rate, colour: "rate" as const }],
      latency: [
        { label: "p50", values: c.p50, colour: "p50" as const },
        { label: "p95", values: c.p95, colour: "p95" as const },
      ],
    };
  }, [health, window]);
  return (
    <div className="stack">
      <div className="charts two">
        <Chart
          label={`Requests per second of ${health.service}`}
          times={times}
          lines={rates}
          format={rate}
          height={120}
        />
        <Chart label={`Latency of ${health.service}`} times={times} lines={latency} format={millis} height={120} />
      </div>
      <Table
        label="Operations"
        columns={operationColumns}
        rows={health.operations}
        rowKey={(o) => o.operation}
        limit={10}
      />
    </div>
  );
}

const edgeColumns: Column<Edge>[] = [
  { head: "From", className: "name", sort: (e) => e.from, cell: (e) => <ServiceLink name={e.from} /> },
  { head: "To", className: "name", sort: (e) => e.to, cell: (e) => <ServiceLink name={e.to} /> },
  { head: "Speaks", cell: (e) => e.protocol },
  ...measureColumns<Edge>(),
];

/** Who calls whom. */
export function EdgesView({ edges }: { edges: Edge[] }) {
  return (
    <Table
      label="Calls between services"
      columns={edgeColumns}
      rows={edges}
      rowKey={(e) => e.from + e.to + e.address}
      limit={15}
    />
  );
}

const serviceColumns: Column<Service>[] = [
  { head: "Service", className: "name", sort: (s) => s.service, cell: (s) => <ServiceLink name={s.service} /> },
  ...measureColumns<Service>(),
];

/** Services seen in a window. */
export function ServicesView({ services }: { services: Service[] }) {
  return <Table label="Services" columns={serviceColumns} rows={services} rowKey={(s) => s.service} limit={20} />;
}
