import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aFix, aPerson, before } from "../testing/factories";
import { draw } from "../testing/render";
import { FixPanel } from "./FixPanel";
import { steps } from "./FixSteps";

test("an approver sees exact content, digest and both decisions", async () => {
  const fix = aFix();
  const page = await draw(<FixPanel fix={fix} who={aPerson("approver")} />);
  expect(page.textContent).toContain(fix.content);
  expect(page.textContent).toContain(fix.digest);
  expect([...page.querySelectorAll(".actions button")].map((b) => b.textContent)).toEqual(["Reject…", "Approve…"]);
});

test("an operator is told which role decides", async () => {
  const page = await draw(<FixPanel fix={aFix()} who={aPerson("operator")} />);
  expect(page.querySelector(".actions")).toBeNull();
  expect(page.textContent).toContain("needs approver");
});

test("a decided fix can not be decided again", async () => {
  await draw(<FixPanel fix={aFix({ status: "verified", result: "Recovered 16s after" })} who={aPerson("admin")} />);
  expect(screen.queryByText("Approve…")).toBeNull();
  expect(screen.getByText("Recovered 16s after")).toBeTruthy();
});

test.each([
  ["awaiting_approval", ["done", "current", "ahead", "ahead"]],
  ["applying", ["done", "done", "current", "ahead"]],
  ["applied", ["done", "done", "done", "current"]],
  ["verified", ["done", "done", "done", "done"]],
  ["rejected", ["done", "bad"]],
  ["failed", ["done", "bad"]],
  ["worse", ["done", "bad"]],
] as const)("the steps of a fix that is %s", (status, states) => {
  expect(steps(aFix({ status, updated_at: before(5) })).map((s) => s.state)).toEqual(states);
});
