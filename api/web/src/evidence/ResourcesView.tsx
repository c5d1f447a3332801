import { type Column, Table } from "../components/Table";
import { bytes, number, percent } from "../model/format";
import type { Connection, Host, HostResources, Pair, Process } from "../services/results";
import { ServiceLink } from "./measures";
import { fullest, PairBar } from "./PairBar";

/** Machines, and who uses them. */
export function HostsView({ resources }: { resources: HostResources }) {
  const { hosts, services } = resources;
  return (
    <div className="stack">
      <Table
        label="Hosts"
        rows={hosts}
        rowKey={(h) => h.host}
        columns={[
          { head: "Host", className: "name", cell: (h) => h.host },
          share("CPU busy", (h) => h.cpu_busy),
          share("Waiting for CPU", (h) => h.cpu_pressure),
          share("Waiting for memory", (h) => h.memory_pressure),
          share("Waiting for I/O", (h) => h.io_pressure),
          share("Fullest disk", (h) => h.disk_full),
        ]}
      />
      <h4>By service</h4>
      <Table
        label="Use by service"
        rows={services}
        rowKey={(s) => s.service}
        limit={10}
        columns={[
          { head: "Service", className: "name", cell: (s) => <ServiceLink name={s.service} /> },
          bar("CPU, cores", services, (s) => s.cpu, number),
          bar("Waiting for a core", services, (s) => s.run_delay, percent),
          bar("Memory", services, (s) => s.memory_bytes, bytes),
        ]}
      />
    </div>
  );
}

/** Processes and their connections. */
export function ProcessesView({ processes, connections }: { processes: Process[]; connections: Connection[] }) {
  return (
    <div className="stack">
      <Table
        label="Processes"
        rows={processes}
        rowKey={(p) => p.instance}
        limit={12}
        columns={[
          {
            head: "Process",
            className: "name",
            cell: (p) => (
              <>
                {p.service || p.executable} <span className="muted">pid {p.pid}</span>
              </>
            ),
          },
          bar("CPU, cores", processes, (p) => p.cpu, number),
          bar("Memory", processes, (p) => p.memory_bytes, bytes),
          {
            head: "Growth",
            numeric: true,
            sort: (p) => p.growth_bytes_per_s,
            cell: (p) => `${bytes(p.growth_bytes_per_s)}/s`,
          },
          { head: "Limit", numeric: true, cell: (p) => (p.limit_bytes > 0 ? bytes(p.limit_bytes) : "none") },
          bar("Open files", processes, (p) => p.open_files, number),
        ]}
      />
      {connections.length > 0 && (
        <>
          <h4>Connections</h4>
          <Table
            label="Connections"
            rows={connections}
            rowKey={(c) => c.service + c.peer + c.address}
            limit={12}
            columns={[
              {
                head: "Connection",
                className: "name",
                cell: (c) => (
                  <>
                    {c.service} → {c.peer || c.address}
                  </>
                ),
              },
              bar("Open, mean", connections, (c) => c.mean, number),
              bar("Open, most", connections, (c) => c.max, number),
              { head: "Failed connects", numeric: true, sort: (c) => c.failures, cell: (c) => number(c.failures) },
            ]}
          />
        </>
      )}
    </div>
  );
}

function share(head: string, pair: (row: Host) => Pair): Column<Host> {
  return { head, sort: (r) => pair(r).fault, cell: (r) => <PairBar pair={pair(r)} full={1} format={percent} /> };
}

function bar<T>(head: string, rows: T[], pair: (row: T) => Pair, format: (n: number) => string): Column<T> {
  const full = fullest(rows, pair);
  return { head, sort: (r) => pair(r).fault, cell: (r) => <PairBar pair={pair(r)} full={full} format={format} /> };
}
