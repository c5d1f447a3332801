import { z } from "zod";

/** The spans that end now, in minutes, by the name they have in the URL. */
export const spans = { "5m": 5, "15m": 15, "1h": 60, "6h": 360, "24h": 1440 } as const;
export type Span = keyof typeof spans;
export const spanNames = Object.keys(spans) as Span[];
export const defaultSpan: Span = "15m";

/** The one time range of the pages: it ends now, or it is fixed. */
export type Range = { kind: "last"; span: Span } | { kind: "between"; from: Date; to: Date };

const span = z.enum(spanNames as [Span, ...Span[]]);
const instant = z.iso.datetime();

/** The search parameters of a range. What cannot be read counts as absent. */
export const rangeSearch = z.object({
  range: span.optional().catch(undefined),
  from: instant.optional().catch(undefined),
  to: instant.optional().catch(undefined),
});
export type RangeSearch = z.output<typeof rangeSearch>;

export function rangeOf(search: RangeSearch): Range {
  if (search.from && search.to && search.from < search.to) {
    return { kind: "between", from: new Date(search.from), to: new Date(search.to) };
  }
  return { kind: "last", span: search.range ?? defaultSpan };
}

export function searchOf(range: Range): RangeSearch {
  if (range.kind === "between") {
    return { range: undefined, from: range.from.toISOString(), to: range.to.toISOString() };
  }
  return { range: range.span === defaultSpan ? undefined : range.span, from: undefined, to: undefined };
}

/** From inclusive, to exclusive. */
export function resolveRange(range: Range, now: Date): { from: Date; to: Date } {
  if (range.kind === "between") return { from: range.from, to: range.to };
  return { from: new Date(now.getTime() - spans[range.span] * 60_000), to: now };
}

/** Names a range in cache keys: one that ends now keeps its name while it moves. */
export function rangeKey(range: Range): string {
  return range.kind === "last" ? range.span : `${range.from.toISOString()}/${range.to.toISOString()}`;
}
