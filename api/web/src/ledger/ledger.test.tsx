import { fireEvent, screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aLedgerEntry } from "../testing/factories";
import { draw } from "../testing/render";
import { Days } from "./Days";
import { LedgerEntryView } from "./LedgerEntryView";
import { LedgerTable } from "./LedgerTable";
import { count } from "./Searchable";

const nasty = 'a\u202eb\u200b <img src=x onerror="alert(1)"> [l](https://evil.example) javascript:alert(1)';
const shown = nasty.replace("\u202e", "\\u{202e}").replace("\u200b", "\\u{200b}");

const request = {
  model: "m-1",
  system: "You investigate.",
  tools: [{ name: "search_logs", description: nasty, schema: {} }],
  messages: [
    { role: "user", parts: [{ text: nasty }] },
    { role: "assistant", parts: [{ tool_use: { id: "1", name: "search_logs", arguments: { text: nasty } } }] },
    { role: "user", parts: [{ tool_result: { id: "1", text: nasty, error: true } }] },
  ],
  max_tokens: 4096,
};
const response = { model: "m-1", message: { role: "assistant", parts: [{ text: "It is full." }] }, stop: "end" };

test("a call is told in words, as text", async () => {
  const page = await draw(<LedgerEntryView entry={aLedgerEntry({ request, response, error: nasty })} />);
  expect([...page.querySelectorAll(".pieces h3")].map((h) => h.textContent)).toEqual([
    "Instructions",
    "Tools it may ask for",
    "Midwatch",
    "Model asks for search_logs",
    "The tool could not answer",
    "Model",
  ]);
  expect(page.querySelectorAll(".pieces pre")[2]?.textContent).toBe(shown);
  expect(page.querySelector(".problem")?.textContent).toBe(shown);
  expect(page.querySelector("img, script, a[href^='http'], a[href^='javascript']")).toBeNull();
  expect(page.textContent).not.toMatch(/[\u202e\u200b]/);
});

test("every byte is there, laid out", async () => {
  const page = await draw(<LedgerEntryView entry={aLedgerEntry({ request, response })} />);
  for (const button of screen.getAllByText("Exact JSON")) fireEvent.click(button);
  const [sent, received] = [...page.querySelectorAll(".ledger-json")].map((p) => p.textContent ?? "");
  expect(JSON.parse(received ?? "")).toEqual(response);
  expect(sent).toContain('"max_tokens": 4096');
  expect(sent).not.toMatch(/[\u202e\u200b]/);
});

test("what is searched for is marked and counted", async () => {
  const page = await draw(<LedgerEntryView entry={aLedgerEntry({ request, response })} />);
  fireEvent.change(screen.getByLabelText("Search in what was sent and received"), {
    target: { value: "EVIL.example" },
  });
  const marks = [...page.querySelectorAll("mark")].map((m) => m.textContent);
  expect(marks).toEqual(Array(4).fill("evil.example"));
  expect(page.querySelector("[aria-label='Sent']")?.textContent).toContain(
    `${count(JSON.stringify(request), "evil.example")} found`,
  );
});

test("a shape nobody knows is shown as it is", async () => {
  const page = await draw(
    <LedgerEntryView entry={aLedgerEntry({ request: ["?"], state: "begun", ended_at: undefined })} />,
  );
  expect(page.querySelector(".ledger-json")?.textContent).toBe('[\n  "?"\n]');
  expect(page.textContent).toContain("No answer yet.");
});

test("a list has tokens, cost, account, data, redactions and state", async () => {
  const page = await draw(
    <LedgerTable entries={[aLedgerEntry({ usage: { input: 9, output: 7, cache_read: 1, cache_write: 2 } })]} />,
  );
  const cells = [...page.querySelectorAll("td")].map((c) => c.textContent);
  expect(cells.slice(1)).toEqual([
    "inv-1", "2", "ours", "platform", "m-1", "12", "7", "$0.0375", "logs, traces", "4", "answered",
  ]); // prettier-ignore
});

test("days are summed up", async () => {
  const usage = { input: 10, output: 5, cache_read: 0, cache_write: 0 };
  const page = await draw(
    <Days
      days={[
        { day: "2026-03-02", calls: 2, usage, cost: 1_500_000 },
        { day: "2026-03-01", calls: 1, usage, cost: 250_000 },
      ]}
    />,
  );
  expect(page.querySelector(".panel-head")?.textContent).toContain("2 days: $1.75");
});
