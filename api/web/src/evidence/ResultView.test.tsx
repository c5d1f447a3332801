import { expect, test } from "vitest";
import type { Evidence } from "../services/investigations";
import { aMeasure, before, now } from "../testing/factories";
import { draw } from "../testing/render";
import { ResultView } from "./ResultView";

function evidence(tool: string, result: unknown, error?: string): Evidence {
  const empty = { arguments: {}, query: "", digest: "", data_types: [] };
  const window = { from: before(60), to: now };
  return {
    ...empty,
    id: "e1",
    call: "t1c1",
    tool,
    result,
    window,
    summary: "found it",
    at: now,
    ...(error && { error }),
  };
}

test("edges become a table", async () => {
  const edge = {
    ...aMeasure(),
    from: "catalog",
    to: "127.0.0.1:5432",
    address: "127.0.0.1:5432",
    protocol: "postgresql",
  };
  const page = await draw(<ResultView evidence={evidence("service_edges", { edges: [edge], endpoints: [] })} />);
  expect([...page.querySelectorAll("tbody td")].slice(0, 3).map((c) => c.textContent)).toEqual([
    "catalog",
    "127.0.0.1:5432",
    "postgresql",
  ]);
});

test("deployments show their difference, the newest change first", async () => {
  const deployed = { service: "cart", kind: "configuration", before: "", after: "", file: "/etc/cart.yaml" };
  const killed = { service: "checkout", instance: "", pid: "7", executable: "/opt/checkout", detail: "" };
  const changes = {
    deployments: [{ ...deployed, time: before(60).toISOString(), detail: "--- a\n+++ b\n-port: 1\n+port: 2\n" }],
    oom_kills: [{ ...killed, time: before(30).toISOString() }],
    starts: null,
    exits: [],
  };
  const page = await draw(<ResultView evidence={evidence("recent_changes", changes)} />);
  expect([...page.querySelectorAll(".badge")].map((b) => b.textContent)).toEqual(["out of memory", "deployment"]);
  expect(page.querySelector(".added")?.textContent).toBe("+port: 2\n");
  expect(page.querySelectorAll(".removed")).toHaveLength(1); // the head of the diff is not a removed line
});

test.each([
  ["a tool no view knows", "new_tool"],
  ["a result of another shape", "service_edges"],
])("%s is shown as it came", async (_, tool) => {
  const page = await draw(<ResultView evidence={evidence(tool, { edges: "none" })} />);
  expect(JSON.parse(page.querySelector("pre")?.textContent ?? "")).toEqual({ edges: "none" });
});

test("lists of a tool without a view of its own become tables", async () => {
  const result = {
    method: "phi",
    omitted: 0,
    differences: [
      { attribute: "peer", value: "postgres", bad: 12, bad_ratio: { fault: 0.9, healthy: 0.1 }, also: ["a=1", "b=2"] },
      { attribute: "host", value: "<b>n</b>", bad: 3, bad_ratio: { fault: 0.5, healthy: 0.4 }, points: [{ t: 1 }] },
    ],
  };
  const page = await draw(<ResultView evidence={evidence("contrast", result)} />);
  expect(page.querySelector("p")?.textContent).toBe("method: phi · omitted: 0");
  expect([...page.querySelectorAll("th")].map((h) => h.textContent)).toEqual([
    "attribute",
    "value",
    "bad",
    "bad_ratio.fault",
    "bad_ratio.healthy",
    "also",
    "points",
  ]);
  expect([...page.querySelectorAll("tbody tr:nth-child(2) td")].map((c) => c.textContent)).toEqual([
    "host",
    "<b>n</b>",
    "3",
    "0.5",
    "0.4",
    "",
    "1 of them",
  ]);
});

test("evidence that failed shows its error alone", async () => {
  const page = await draw(<ResultView evidence={evidence("service_edges", undefined, "the store is busy")} />);
  expect(page.textContent).toBe("the store is busy");
});
