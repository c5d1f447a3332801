import { type Column, Table } from "../components/Table";
import { number } from "../model/format";
import { dollars, tokens } from "../model/models";
import type { LedgerDay } from "../services/ledger";

/** What the calls of each day took, and what they took in all. */
export function Days({ days }: { days: LedgerDay[] }) {
  if (days.length === 0) return null;
  const most = Math.max(...days.map((d) => d.cost));
  const columns: Column<LedgerDay>[] = [
    { head: "Day (UTC)", cell: (d) => d.day },
    { head: "Calls", numeric: true, cell: (d) => number(d.calls) },
    { head: "Tokens", numeric: true, cell: (d) => number(tokens(d.usage)) },
    { head: "Cost", numeric: true, cell: (d) => dollars(d.cost) },
    { head: "", className: "bar-cell", cell: (d) => <Bar share={most > 0 ? d.cost / most : 0} /> },
  ];
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>Cost per day</h2>
        <p>
          {days.length === 1 ? "1 day" : `${days.length} days`}:{" "}
          <b>{dollars(days.reduce((sum, d) => sum + d.cost, 0))}</b>
        </p>
      </div>
      <Table label="Cost per day" columns={columns} rows={days} rowKey={(d) => d.day} limit={7} />
    </section>
  );
}

function Bar({ share }: { share: number }) {
  return (
    <svg className="day-bar" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
      <rect className="pair-fault" width={Math.max(share * 100, 1)} height="8" rx="1" />
    </svg>
  );
}
