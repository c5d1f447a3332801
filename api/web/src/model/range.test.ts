import { expect, test } from "vitest";
import { before, now } from "../testing/factories";
import { type Range, rangeKey, rangeOf, rangeSearch, resolveRange, searchOf } from "./range";

const fixed: Range = { kind: "between", from: before(600), to: before(60) };

test.each<Range>([{ kind: "last", span: "1h" }, { kind: "last", span: "15m" }, fixed])(
  "a range survives the URL: %j",
  (range) => expect(rangeOf(rangeSearch.parse(searchOf(range)))).toEqual(range),
);

test("the default range leaves no trace in the URL", () => {
  expect(Object.values(searchOf({ kind: "last", span: "15m" })).filter(Boolean)).toEqual([]);
});

test.each([
  { range: "3y" },
  { from: "yesterday", to: "today" },
  { from: now.toISOString() },
  { from: now.toISOString(), to: before(60).toISOString() },
])("what makes no sense is the default: %j", (search) => {
  expect(rangeOf(rangeSearch.parse(search))).toEqual({ kind: "last", span: "15m" });
});

test("a range that ends now moves, but keeps its key", () => {
  const range: Range = { kind: "last", span: "5m" };
  expect(resolveRange(range, now)).toEqual({ from: before(300), to: now });
  expect(rangeKey(range)).toBe("5m");
});

test("a fixed range stays", () => {
  expect(resolveRange(fixed, now)).toEqual({ from: before(600), to: before(60) });
  expect(rangeKey(fixed)).not.toBe(rangeKey({ ...fixed, to: now }));
});
