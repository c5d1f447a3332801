import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aFix, aPerson, before } from "../testing/factories";
import { draw } from "../testing/render";
import type { FixStatus } from "../services/investigations";
import { FixContent } from "./FixContent";
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

test("a fix that needs two people shows whose approval it has, and asks the other", async () => {
  const approved = [
    { approver: "Ann", at: before(60), expires_at: before(-840) },
    { approver: "bob", at: before(1000), expires_at: before(100) },
  ];
  const fix = aFix({ needed: 2, approved });
  const page = await draw(<FixPanel fix={fix} who={aPerson("approver")} />);
  expect(page.querySelector(".approvals")?.textContent).toMatch(/^1 of 2 approvals, by Ann \(until/);
  expect([...page.querySelectorAll(".actions button")].map((b) => b.textContent)).toEqual(["Reject…", "Approve…"]);
});

test("who approved once is not asked again, but may reject", async () => {
  const fix = aFix({ needed: 2, approved: [{ approver: "Mara", at: before(60), expires_at: before(-840) }] });
  const page = await draw(<FixPanel fix={fix} who={aPerson("approver")} />);
  expect([...page.querySelectorAll(".actions button")].map((b) => b.textContent)).toEqual(["Reject…"]);
  expect(page.textContent).toContain("Somebody else has to");
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

test("a pull request is opened by Midwatch and merged by people", () => {
  const texts = (status: FixStatus) =>
    steps(aFix({ kind: "pull_request", status })).map((s) => `${s.text}: ${s.state}`);
  expect(texts("applied")).toEqual([
    "Proposed: done",
    "Approved: done",
    "Pull request opened: done",
    "Merge by people: current",
    "Recovery: ahead",
  ]);
  expect(texts("closed").at(-1)).toBe("Closed without merging: bad");
});

test("what would run shows what would not be seen", async () => {
  const page = await draw(
    <FixContent fix={aFix({ content: "rm \u202etxt.\u200b", parameters: { path: "/a\u2066" } })} />,
  );
  expect(page.querySelector("[aria-label='What will run']")?.textContent).toBe("rm \\u{202e}txt.\\u{200b}");
  expect(page.textContent).toContain("/a\\u{2066}");
});
