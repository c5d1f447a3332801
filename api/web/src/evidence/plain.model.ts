/** A row of a list: path of a field → how it is shown and sorted. */
export type Row = Record<string, { text: string; value: number | string }>;

const maxColumns = 14;
const maxText = 300;

/** The fields of a result that are no lists and no objects. */
export function plainFields(result: object): [string, string][] {
  return Object.entries(result)
    .filter(([, v]) => v !== "" && v !== null && typeof v !== "object")
    .map(([name, v]) => [name, cut(String(v))]);
}

/** The lists of objects of a result. */
export function listsOf(result: object): { name: string; heads: string[]; rows: Row[] }[] {
  return Object.entries(result).flatMap(([name, list]) => {
    if (!Array.isArray(list) || list.length === 0 || !list.every(isObject)) return [];
    const rows = list.map((o) => flat(o as Record<string, unknown>));
    const heads = new Set(rows.flatMap((row) => Object.keys(row)));
    return [{ name, heads: [...heads].slice(0, maxColumns), rows }];
  });
}

const isObject = (v: unknown) => typeof v === "object" && v !== null && !Array.isArray(v);

/** Fields within fields have dots, as checks and models read them; what is empty is left out, and lists are texts. */
function flat(object: Record<string, unknown>, path = ""): Row {
  const row: Row = {};
  for (const [name, v] of Object.entries(object)) {
    if (v === null || v === "") continue;
    if (isObject(v)) Object.assign(row, flat(v as Record<string, unknown>, `${path}${name}.`));
    else row[path + name] = { text: textOf(v), value: typeof v === "number" ? v : textOf(v) };
  }
  return row;
}

function textOf(v: unknown): string {
  if (!Array.isArray(v)) return cut(String(v));
  return v.some((e) => typeof e === "object") ? `${v.length} of them` : cut(v.join(", "));
}

const cut = (text: string) => (text.length > maxText ? `${text.slice(0, maxText)}…` : text);
