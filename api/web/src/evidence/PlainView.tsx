import { type Column, Table } from "../components/Table";
import { type Row, listsOf, plainFields } from "./plain.model";

/** A result that no other view knows: its plain fields in a line, each of its lists as a table, as the tool names them. */
export function PlainView({ result }: { result: object }) {
  const fields = plainFields(result);
  return (
    <>
      {fields.length > 0 && <p className="muted">{fields.map(([name, text]) => `${name}: ${text}`).join(" · ")}</p>}
      {listsOf(result).map(({ name, heads, rows }) => (
        <section key={name}>
          <h4>{name}</h4>
          <Table label={name} columns={heads.map(column)} rows={rows} rowKey={(_, i) => String(i)} limit={12} />
        </section>
      ))}
    </>
  );
}

function column(head: string): Column<Row> {
  return { head, sort: (row) => row[head]?.value ?? "", cell: (row) => row[head]?.text ?? "", className: "wide" };
}
