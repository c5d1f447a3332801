import { Table } from "../components/Table";
import { millis, number } from "../model/format";
import type { Statements } from "../services/results";
import { compared } from "./ComparisonView";
import { worst } from "./flags";
import { fullest, PairBar } from "./PairBar";

/** What was asked of databases and caches, what got worse first. */
export function StatementsView({ statements }: { statements: Statements["statements"] }) {
  const full = fullest(statements, (s) => s.time_per_s);
  return (
    <Table
      label="Statements"
      rows={worst(statements)}
      rowKey={(s, i) => s.database + s.query + s.side + i}
      limit={10}
      columns={[
        { head: "Database", className: "name", cell: (s) => s.database },
        {
          head: "Statement",
          className: "mono wide",
          cell: (s) => (
            <>
              {s.query || s.operation}
              {s.codes.length > 0 && (
                <p className="bad">{s.codes.map((c) => `${c.code} ${number(c.count)}×`).join(", ")}</p>
              )}
            </>
          ),
        },
        ...compared(statements),
        {
          head: "Time in it, per s",
          sort: (s) => s.time_per_s.fault,
          cell: (s) => <PairBar pair={s.time_per_s} full={full} format={millis} />,
        },
      ]}
    />
  );
}
