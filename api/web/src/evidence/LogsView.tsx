import { Badge } from "../components/Badge";
import { type Column, Table } from "../components/Table";
import { ClockTime } from "../components/Times";
import { number } from "../model/format";
import type { Logs } from "../services/results";

type Pattern = Logs["patterns"][number];

const columns: Column<Pattern>[] = [
  { head: "Count", numeric: true, sort: (p) => p.count, cell: (p) => number(p.count) },
  { head: "Before", numeric: true, sort: (p) => p.baseline, cell: (p) => number(p.baseline) },
  { head: "Service", cell: (p) => p.service },
  {
    head: "Pattern",
    className: "mono wide",
    cell: (p) => (
      <>
        {p.new && <Badge tone="warn">new</Badge>} {p.pattern}
      </>
    ),
  },
];

/** Lines by pattern, and the newest as they were written. */
export function LogsView({ logs }: { logs: Logs }) {
  return (
    <div className="stack">
      <Table
        label="Log patterns"
        columns={columns}
        rows={logs.patterns}
        rowKey={(p) => p.service + p.severity + p.pattern}
        empty="No line matched."
        limit={10}
      />
      {logs.lines.length > 0 && (
        <>
          <h4>
            Newest of {number(logs.matched)} {logs.matched === 1 ? "line" : "lines"}
          </h4>
          <ol className="log-lines" tabIndex={0} aria-label="Log lines">
            {logs.lines.map((l, i) => (
              <li key={i}>
                <ClockTime at={l.time} /> <span className="muted">{l.severity}</span> {l.body}
              </li>
            ))}
          </ol>
        </>
      )}
    </div>
  );
}
