import { useQuery } from "@tanstack/react-query";
import { Failure, Loading } from "../components/Notice";
import { type Column, Table } from "../components/Table";
import { type Tool, toolsQuery } from "../services/admin";

const columns: Column<Tool>[] = [
  { head: "Tool", className: "mono name", cell: (t) => t.name },
  { head: "Answers", className: "wide", cell: (t) => t.description },
  { head: "Reveals", cell: (t) => t.data_types.join(", ") },
];

/** What an analyst can ask, and which kinds of data an answer reveals. */
export function Tools() {
  const { data, error, refetch } = useQuery(toolsQuery);
  return (
    <section className="panel wide">
      <h2>Tools</h2>
      <p className="muted">Read-only, the same for investigations, this page's API and the command line.</p>
      {data ? (
        <Table label="Tools" columns={columns} rows={data} rowKey={(t) => t.name} />
      ) : error ? (
        <Failure error={error} retry={() => void refetch()} />
      ) : (
        <Loading />
      )}
    </section>
  );
}
