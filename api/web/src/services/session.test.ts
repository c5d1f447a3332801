import { expect, test } from "vitest";
import { aPerson, now } from "../testing/factories";
import { decisionOn } from "./admin";
import { allows, workflowPage } from "./session";

test("each role may do all that the one before may", () => {
  expect(allows("admin", "approver")).toBe(true);
  expect(allows("approver", "approver")).toBe(true);
  expect(allows("operator", "approver")).toBe(false);
});

test("a workflow's page keeps its slashes inside its name", () => {
  expect(workflowPage(aPerson("viewer"), "investigation/demo/inv-1")).toBe(
    "/temporal/namespaces/midwatch/workflows/investigation%2Fdemo%2Finv-1",
  );
});

test("an address that is no web page is not linked", () => {
  expect(workflowPage({ ...aPerson("viewer"), temporal_ui: "javascript:alert(1)" }, "w")).toBeUndefined();
  expect(workflowPage({ ...aPerson("viewer"), temporal_ui: undefined }, "w")).toBeUndefined();
});

test("the newest allowed entry of the audit log says who decided", () => {
  const entry = { id: "a", at: now, subject: "mara", action: "fixes.approve", object: "fixes/fix-1/approve" };
  const denied = { ...entry, subject: "eve", outcome: "denied" };
  expect(decisionOn("fix-1", [denied, { ...entry, outcome: "allowed" }])).toEqual({
    approved: true,
    by: "mara",
    at: now,
  });
  expect(decisionOn("fix-2", [{ ...entry, outcome: "allowed" }])).toBeUndefined();
});
