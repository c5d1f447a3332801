import { useQuery } from "@tanstack/react-query";
import { createRoute, Link } from "@tanstack/react-router";
import { useMemo } from "react";
import { Chart, type Mark } from "../components/Chart";
import { Failure, Loading, Notice } from "../components/Notice";
import { RangePicker, useRange, useSetRange } from "../components/RangePicker";
import { Table } from "../components/Table";
import { changed, ChangesView } from "../evidence/ChangesView";
import { edgeColumns, operationColumns } from "../evidence/measures";
import { millis, rate } from "../model/format";
import { columns } from "../model/series";
import { type ServiceDetail, serviceQuery } from "../services/telemetry";
import { appRoute } from "./app";

export const serviceRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/services/$name",
  component: ServicePage,
});

function ServicePage() {
  const { name } = serviceRoute.useParams();
  const { data, error, refetch } = useQuery(serviceQuery(name, useRange()));
  return (
    <>
      <p className="crumbs">
        <Link to="/services">Services</Link>
      </p>
      <div className="head">
        <h1>{name}</h1>
        <RangePicker />
      </div>
      {data ? (
        <ServiceView detail={data} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </>
  );
}

function ServiceView({ detail }: { detail: ServiceDetail }) {
  const incoming = detail.edges.filter((e) => e.to === detail.service);
  const outgoing = detail.edges.filter((e) => e.from === detail.service);
  return (
    <>
      {detail.points.length > 0 ? <Charts detail={detail} /> : <Notice title="It answered no requests in this time" />}
      <section>
        <h2>Operations</h2>
        <Table
          label="Operations"
          columns={operationColumns}
          rows={detail.operations}
          rowKey={(o) => o.operation}
          limit={20}
          empty="No requests in this time."
        />
      </section>
      <div className="halves">
        <section>
          <h2>Called by</h2>
          <Table
            label="Called by"
            columns={edgeColumns("from")}
            rows={incoming}
            rowKey={(e) => e.from + e.address + e.protocol}
            limit={15}
            empty="No caller that is known."
          />
        </section>
        <section>
          <h2>Depends on</h2>
          <Table
            label="Depends on"
            columns={edgeColumns("to")}
            rows={outgoing}
            rowKey={(e) => e.to + e.address + e.protocol}
            limit={15}
            empty="It calls nobody."
          />
        </section>
      </div>
      <section>
        <h2>Recent changes</h2>
        <ChangesView changes={detail.changes} />
      </section>
    </>
  );
}

function Charts({ detail }: { detail: ServiceDetail }) {
  const setRange = useSetRange();
  const select = (from: Date, to: Date) => setRange({ kind: "between", from, to });
  const { times, rates, errors, latency, marks } = useMemo(() => {
    const c = columns(detail.points, detail.window, detail.step_s);
    return {
      times: c.times,
      rates: [{ label: "requests", values: c.rate, colour: "rate" as const }],
      errors: [{ label: "errors", values: c.errors, colour: "errors" as const }],
      latency: [
        { label: "p50", values: c.p50, colour: "p50" as const },
        { label: "p95", values: c.p95, colour: "p95" as const },
        { label: "p99", values: c.p99, colour: "p99" as const },
      ],
      marks: marksOf(detail),
    };
  }, [detail]);
  return (
    <div className="charts">
      <Chart label="Requests per second" times={times} lines={rates} marks={marks} format={rate} onSelect={select} />
      <Chart label="Errors" times={times} lines={errors} marks={marks} format={percentPoints} onSelect={select} />
      <Chart label="Latency" times={times} lines={latency} marks={marks} format={millis} onSelect={select} />
    </div>
  );
}

/** What changed and what the kernel killed, for the charts. */
function marksOf({ changes }: ServiceDetail): Mark[] {
  return [
    ...[...changes.deployments, ...changes.cluster_changes].map((d) => ({ at: d.time, text: changed(d) })),
    ...changes.oom_kills.map((k) => ({ at: k.time, text: "killed for want of memory" })),
  ];
}

function percentPoints(value: number): string {
  return `${value.toFixed(value < 10 && value > 0 ? 1 : 0)}%`;
}
