import { fireEvent } from "@testing-library/react";
import { expect, test } from "vitest";
import { Table } from "../components/Table";
import { IncidentsView } from "./incidents";
import { ServicesView } from "./services";
import { aMeasure, before, now } from "../testing/factories";
import { draw } from "../testing/render";

const seen = { calls: 0, protocols: ["http"], versions: [], instances: ["a"], hosts: [], last_seen: now, series: [] };
const list = {
  window: { from: before(60), to: now },
  step_s: 10,
  services: [
    { ...aMeasure(), ...seen, service: "cart" },
    { ...aMeasure({ error_ratio: 0.2 }), ...seen, service: "payment" },
    { ...aMeasure({ requests: 0 }), ...seen, service: "load", calls: 9 },
  ],
};

function rows(page: HTMLElement, label: string): string[] {
  return [...page.querySelectorAll(`[aria-label="${label}"] tbody tr td:first-child`)].map((c) => c.textContent ?? "");
}

test("who answers no requests is listed apart", async () => {
  const page = await draw(<ServicesView list={list} filter="" />);
  expect(rows(page, "Services")).toEqual(["cart", "payment"]);
  expect(rows(page, "Other processes")).toEqual(["load"]);
});

test("the filter keeps what it names", async () => {
  const page = await draw(<ServicesView list={list} filter="PAY" />);
  expect(rows(page, "Services")).toEqual(["payment"]);
});

test("no services say what to do", async () => {
  const page = await draw(<ServicesView list={{ ...list, services: [] }} filter="" />);
  expect(page.textContent).toContain("midwatch doctor");
});

test("a table sorts numbers downwards first, then upwards", async () => {
  const column = { head: "N", numeric: true, sort: (n: number) => n, cell: (n: number) => n };
  const page = await draw(<Table label="Numbers" columns={[column]} rows={[9, 10, 1]} rowKey={String} />);
  const head = page.querySelector("th button") as HTMLButtonElement;
  fireEvent.click(head);
  expect(rows(page, "Numbers")).toEqual(["10", "9", "1"]);
  fireEvent.click(head);
  expect(rows(page, "Numbers")).toEqual(["1", "9", "10"]);
});

test("an incident says what raised it, once its title says what was found", async () => {
  const trigger = {
    id: "t",
    kind: "alert",
    rule: "errors",
    entity: "service:checkout",
    service: "checkout",
    severity: "warning",
  };
  const raised = {
    ...trigger,
    summary: "Errors of checkout",
    value: 1,
    threshold: 0,
    onset: before(60),
    at: before(50),
  };
  const incident = {
    id: "i",
    title: "payment was misconfigured",
    service: "checkout",
    severity: "warning",
    status: "closed",
  };
  const row = { ...incident, triggers: [raised, raised], investigation: "i", opened_at: before(50), closed_at: now };
  const page = await draw(
    <IncidentsView incidents={[row, { ...row, id: "j", title: raised.summary }]} filter="errors of" />,
  );
  const shown = [...page.querySelectorAll("tbody td.name")].map((cell) => cell.textContent);
  expect(shown).toEqual(["payment was misconfiguredErrors of checkout (and 1 more)", "Errors of checkout"]);
  expect(page.textContent).toContain("investigated");
});
