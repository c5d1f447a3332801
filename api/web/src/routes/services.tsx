import { useQuery } from "@tanstack/react-query";
import { createRoute, Link } from "@tanstack/react-router";
import { useState } from "react";
import { Failure, Loading, Notice } from "../components/Notice";
import { RangePicker, useRange } from "../components/RangePicker";
import { Sparkline } from "../components/Sparkline";
import { type Column, Table } from "../components/Table";
import { Ago } from "../components/Times";
import { millis, number, percent, rate } from "../model/format";
import { columns as seriesColumns } from "../model/series";
import { type ServiceList, type ServiceRow, servicesQuery } from "../services/telemetry";
import { appRoute } from "./app";

export const servicesRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/services",
  component: ServicesPage,
});

function ServicesPage() {
  const { data, error, refetch } = useQuery(servicesQuery(useRange()));
  const [filter, setFilter] = useState("");
  return (
    <>
      <div className="head">
        <h1>Services</h1>
        <input
          type="search"
          data-filter
          placeholder="Filter  /"
          aria-label="Filter services"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        <RangePicker />
      </div>
      {data ? (
        <ServicesView list={data} filter={filter} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

/** Who answers requests, and who only makes them. */
export function ServicesView({ list, filter }: { list: ServiceList; filter: string }) {
  const shown = list.services.filter((s) => s.service.toLowerCase().includes(filter.toLowerCase()));
  const serving = shown.filter((s) => s.requests > 0);
  const others = shown.filter((s) => s.requests === 0);
  if (list.services.length === 0) {
    return (
      <Notice title="No services were seen in this time">
        <p>
          The node agent finds them by the requests they answer. Choose a longer time range, or look at{" "}
          <code>midwatch doctor</code> to see what is attached.
        </p>
      </Notice>
    );
  }
  return (
    <>
      <Table
        label="Services"
        columns={servingColumns(list)}
        rows={serving}
        rowKey={(s) => s.service}
        empty="No service matches."
      />
      {others.length > 0 && (
        <section>
          <h2>Processes that answer no requests</h2>
          <Table label="Other processes" columns={otherColumns} rows={others} rowKey={(s) => s.service} limit={20} />
        </section>
      )}
    </>
  );
}

const name: Column<ServiceRow> = {
  head: "Service",
  sort: (s) => s.service,
  className: "name",
  cell: (s) => (
    <Link to="/services/$name" params={{ name: s.service }}>
      {s.service}
    </Link>
  ),
};

function servingColumns({ window, step_s }: ServiceList): Column<ServiceRow>[] {
  const series = (s: ServiceRow) => seriesColumns(s.series, window, step_s);
  return [
    name,
    { head: "Rate", numeric: true, sort: (s) => s.rate_per_s, cell: (s) => rate(s.rate_per_s) },
    {
      head: "Rate over time",
      className: "spark",
      cell: (s) => <Sparkline values={series(s).rate} colour="rate" label={`Rate of ${s.service} over time`} />,
    },
    {
      head: "Errors",
      numeric: true,
      sort: (s) => s.error_ratio,
      cell: (s) => <span className={s.error_ratio >= 0.01 ? "bad" : undefined}>{percent(s.error_ratio)}</span>,
    },
    {
      head: "Errors over time",
      className: "spark",
      cell: (s) => <Sparkline values={series(s).errors} colour="errors" label={`Errors of ${s.service} over time`} />,
    },
    { head: "p50", numeric: true, sort: (s) => s.p50_ms, cell: (s) => millis(s.p50_ms) },
    { head: "p95", numeric: true, sort: (s) => s.p95_ms, cell: (s) => millis(s.p95_ms) },
    {
      head: "p95 over time",
      className: "spark",
      cell: (s) => <Sparkline values={series(s).p95} colour="latency" label={`p95 of ${s.service} over time`} />,
    },
    { head: "Speaks", cell: (s) => <span className="muted">{s.protocols.join(", ")}</span> },
    { head: "Instances", numeric: true, sort: (s) => s.instances.length, cell: (s) => s.instances.length },
  ];
}

const otherColumns: Column<ServiceRow>[] = [
  name,
  { head: "Calls made", numeric: true, sort: (s) => s.calls, cell: (s) => number(s.calls) },
  { head: "Instances", numeric: true, sort: (s) => s.instances.length, cell: (s) => s.instances.length },
  { head: "Last seen", numeric: true, sort: (s) => s.last_seen.getTime(), cell: (s) => <Ago at={s.last_seen} /> },
];
