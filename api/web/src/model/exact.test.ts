import { expect, test } from "vitest";
import { exact, exactJSON } from "./exact";

test("what is not seen is shown as its code", () => {
  expect(exact("a\u202eb\u200bc\u{e0041}d\x1b[31m\x07\u0085\ufeff")).toBe(
    "a\\u{202e}b\\u{200b}c\\u{e0041}d\\u{1b}[31m\\u{7}\\u{85}\\u{feff}",
  );
});

test("what is seen stays: lines, tabs, other scripts, links, markup", () => {
  const text = "line\n\ttab ä 漢字 🙂 <b>https://evil.example</b>";
  expect(exact(text)).toBe(text);
});

test("JSON is laid out and exact", () => {
  expect(exactJSON({ a: "\u202e", b: [1] })).toBe('{\n  "a": "\\u{202e}",\n  "b": [\n    1\n  ]\n}');
});
