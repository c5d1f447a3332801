import { expect, test } from "vitest";
import { path } from "../components/Sparkline";
import { aPoint, before, now } from "../testing/factories";
import { columns } from "./series";

test("a step without requests has rate 0 and no latency", () => {
  const points = [
    aPoint({ time: before(30), rate_per_s: 2, p95_ms: 9 }),
    aPoint({ time: before(10), error_ratio: 0.5 }),
  ];
  const c = columns(points, { from: before(30), to: now }, 10);
  expect(c.times).toEqual([30, 20, 10].map((s) => before(s).getTime() / 1000));
  expect(c.rate).toEqual([2, 0, 1]);
  expect(c.p95).toEqual([9, null, 12]);
  expect(c.errors).toEqual([0, 0, 50]);
});

test("no points are an empty grid, not none", () => {
  expect(columns([], { from: before(30), to: now }, 10).rate).toEqual([0, 0, 0]);
});

test("a sparkline lifts its pen at a gap", () => {
  expect(path([1, 1, null, 1, 1])).toMatch(/^M0\.0 .*L30\.0 .*M90\.0 .*L120\.0 /);
});

test("a sparkline of nothing but zero lies at the bottom", () => expect(path([0, 0])).toBe("M0.0 22.0L120.0 22.0"));
