import { expect, test } from "vitest";
import { before, now } from "../testing/factories";
import { ago, bytes, duration, entity, millis, number, percent, sentence, times } from "./format";

test.each([
  [0, "0 ms"],
  [0.378, "378 µs"],
  [9.5, "9.5 ms"],
  [412.4, "412 ms"],
  [2003, "2 s"],
])("%d milliseconds read %s", (ms, text) => expect(millis(ms)).toBe(text));

test.each([
  [0, "0%"],
  [0.0001, "<0.1%"],
  [0.021, "2.1%"],
  [0.0999, "10%"],
  [1, "100%"],
])("a share of %d reads %s", (share, text) => expect(percent(share)).toBe(text));

test.each([
  [21_000, "21 s"],
  [100_000, "1 min 40 s"],
  [120_000, "2 min"],
  [7_500_000, "2 h 5 min"],
  [259_200_000, "3 d"],
])("%d milliseconds last %s", (ms, text) => expect(duration(ms)).toBe(text));

test.each([
  [2, "just now"],
  [40, "40 s ago"],
  [600, "10 min ago"],
  [7200, "2 h ago"],
  [259_200, "3 d ago"],
])("%d seconds before now was %s", (seconds, text) => expect(ago(before(seconds), now)).toBe(text));

test("numbers keep three digits, and all before the point", () => {
  expect([0.1234, 12.34, 1240.4].map(number)).toEqual(["0.123", "12.3", "1,240"]);
});

test("bytes take the unit that fits", () =>
  expect([512, 38e6, 3.1e9].map(bytes)).toEqual(["512 B", "36.2 MiB", "2.89 GiB"]));

test("a ratio with nothing to compare is unknown", () => expect([0, 37.2].map(times)).toEqual(["–", "37.2×"]));

test("the first slash ends an entity's kind", () => {
  expect(entity("table/shop/products")).toEqual({ kind: "table", name: "shop/products" });
  expect(entity("odd")).toEqual({ kind: "", name: "odd" });
});

test("a reason becomes a sentence", () => {
  expect(sentence("no provider")).toBe("No provider.");
  expect(sentence("Is it on?")).toBe("Is it on?");
});
