import { type ReactNode, useState } from "react";

/** A column of rows of type T. With `sort` its head is a button. */
export interface Column<T> {
  head: string;
  cell: (row: T) => ReactNode;
  sort?: (row: T) => number | string;
  numeric?: boolean;
  className?: string;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T, index: number) => string;
  empty?: string;
  /** Rows shown before "show all". */
  limit?: number;
  /** On a phone each row is a card with all its columns, instead of a table that scrolls sideways. */
  cards?: boolean;
}

/** A dense table that sorts by its heads. */
export function Table<T>({
  label,
  columns,
  rows,
  rowKey,
  empty = "Nothing here.",
  limit = Infinity,
  cards = false,
}: Props<T>) {
  const [order, setOrder] = useState<{ column: number; down: boolean }>();
  const [all, setAll] = useState(false);
  if (rows.length === 0) return <p className="muted">{empty}</p>;
  const sorted = order ? sort(rows, columns[order.column]?.sort, order.down) : rows;
  const shown = all ? sorted : sorted.slice(0, limit);
  const toggle = (column: number, first: boolean) =>
    setOrder((o) => ({ column, down: o?.column === column ? !o.down : first }));
  return (
    <div className={cards ? "table-frame cards" : "table-frame"} tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((c, i) => (
              <th key={c.head} scope="col" className={classOf(c)} aria-sort={ariaSort(order, i)}>
                {c.sort ? (
                  <button type="button" className="sort" onClick={() => toggle(i, c.numeric ?? false)}>
                    {c.head}
                    <span aria-hidden="true">{order?.column === i ? (order.down ? " ↓" : " ↑") : ""}</span>
                  </button>
                ) : (
                  c.head
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((row, i) => (
            <tr key={rowKey(row, i)}>
              {columns.map((c) => (
                <td key={c.head} className={classOf(c)} data-head={cards ? c.head : undefined}>
                  {c.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {shown.length < rows.length && (
        <button type="button" className="link more" onClick={() => setAll(true)}>
          Show all {rows.length}
        </button>
      )}
    </div>
  );
}

function classOf<T>(c: Column<T>): string {
  return [c.numeric && "numeric", c.className].filter(Boolean).join(" ");
}

function ariaSort(order: { column: number; down: boolean } | undefined, column: number) {
  if (order?.column !== column) return undefined;
  return order.down ? "descending" : "ascending";
}

function sort<T>(rows: T[], by: ((row: T) => number | string) | undefined, down: boolean): T[] {
  if (!by) return rows;
  const compare = (a: T, b: T) => {
    const [x, y] = [by(a), by(b)];
    return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  };
  return rows.toSorted((a, b) => (down ? compare(b, a) : compare(a, b)));
}
