import { useQuery } from "@tanstack/react-query";
import { createRoute, Link, redirect } from "@tanstack/react-router";
import { useState } from "react";
import { Badge } from "../components/Badge";
import { Entity } from "../components/Entity";
import { Failure, Loading, Notice } from "../components/Notice";
import { type Column, Table } from "../components/Table";
import { Moment } from "../components/Times";
import { AskDialog } from "../investigation/AskDialog";
import { duration } from "../model/format";
import { incidentTone, severityRank, severityTone, statusLabel, verdictLabels } from "../model/labels";
import { useNow } from "../model/now";
import { type IncidentRow, incidentQuery, incidentsQuery } from "../services/investigations";
import { allows } from "../services/session";
import { appRoute } from "./app";

export const incidentsRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/incidents",
  component: IncidentsPage,
});

/** An incident is read on the page of its investigation. */
export const incidentRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/incidents/$id",
  loader: async ({ context, params }) => {
    const incident = (await context.queryClient.ensureQueryData(incidentQuery(params.id))).incident;
    throw redirect({ to: "/investigations/$id", params: { id: incident.investigation } });
  },
});

function IncidentsPage() {
  const { data, error, refetch } = useQuery(incidentsQuery);
  const { who } = incidentsRoute.useRouteContext();
  const [filter, setFilter] = useState("");
  const [asking, setAsking] = useState(false);
  return (
    <>
      <div className="head">
        <h1>Incidents</h1>
        <input
          type="search"
          data-filter
          placeholder="Filter  /"
          aria-label="Filter incidents"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
        {allows(who.role, "operator") && (
          <button type="button" className="button" onClick={() => setAsking(true)}>
            Investigate…
          </button>
        )}
      </div>
      {data ? (
        <IncidentsView incidents={data} filter={filter} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
      {asking && <AskDialog onClose={() => setAsking(false)} />}
    </>
  );
}

export function IncidentsView({ incidents, filter }: { incidents: IncidentRow[]; filter: string }) {
  if (incidents.length === 0) {
    return (
      <Notice title="All quiet">
        <p>Nothing has raised an incident. Alerts, anomalies, deployments and kernel events will show up here.</p>
      </Notice>
    );
  }
  const wanted = filter.toLowerCase();
  const shown = incidents.filter((i) =>
    [i.title, i.service, i.culprit, i.status, i.severity, ...i.triggers.map((t) => t.summary)].some((text) =>
      text?.toLowerCase().includes(wanted),
    ),
  );
  return (
    <Table
      label="Incidents"
      columns={columns}
      rows={shown}
      rowKey={(i) => i.id}
      empty="No incident matches."
      limit={100}
      cards
    />
  );
}

const columns: Column<IncidentRow>[] = [
  {
    head: "Severity",
    sort: (i) => severityRank(i.severity),
    cell: (i) => <Badge tone={severityTone(i.severity)}>{i.severity}</Badge>,
  },
  {
    head: "Incident",
    className: "name wide",
    cell: (i) => (
      <>
        <Link to="/investigations/$id" params={{ id: i.investigation }} data-incident-status={i.status}>
          {i.title}
        </Link>
        <Raised incident={i} />
      </>
    ),
  },
  {
    head: "Status",
    sort: (i) => i.status,
    cell: (i) => <Badge tone={incidentTone(i.status)}>{statusLabel(i.status)}</Badge>,
  },
  {
    head: "Verdict",
    sort: (i) => i.verdict ?? "",
    cell: (i) => (i.verdict ? verdictLabels[i.verdict].text : <span className="muted">–</span>),
  },
  {
    head: "Culprit",
    sort: (i) => i.culprit ?? "",
    cell: (i) => (i.culprit ? <Entity id={i.culprit} /> : <span className="muted">–</span>),
  },
  { head: "Opened", numeric: true, sort: (i) => i.opened_at.getTime(), cell: (i) => <Moment at={i.opened_at} /> },
  { head: "Took", numeric: true, cell: (i) => <Took incident={i} /> },
];

/** What raised an incident, once its title says what was found. */
function Raised({ incident: { title, triggers, dropped = 0 } }: { incident: IncidentRow }) {
  const first = triggers.find((t) => t.kind !== "deployment") ?? triggers[0];
  if (!first || first.summary === title) return null;
  return (
    <p className="raised">
      {first.summary}
      {triggers.length + dropped > 1 && ` (and ${triggers.length + dropped - 1} more)`}
    </p>
  );
}

/** How long people and Midwatch were busy with it; what it was about may go on. */
function Took({ incident }: { incident: IncidentRow }) {
  const now = useNow();
  return duration((incident.closed_at ?? now).getTime() - incident.opened_at.getTime());
}
