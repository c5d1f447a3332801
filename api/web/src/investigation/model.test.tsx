import { screen } from "@testing-library/react";
import { expect, test } from "vitest";
import { aModelUse, anInvestigation, aPerson, aReport, aTurn, before } from "../testing/factories";
import { draw } from "../testing/render";
import { InvestigationView } from "./InvestigationView";

const drafted = { verdict: "root_cause" } as const;

function show(change: Parameters<typeof anInvestigation>[0], role: Parameters<typeof aPerson>[0] = "viewer") {
  return draw(
    <InvestigationView investigation={anInvestigation(change)} who={aPerson(role)} live={true} history={undefined} />,
  );
}

test("a model's investigation names model, account, tokens, cost and redactions", async () => {
  const page = await show({ models: aModelUse(), turns: [aTurn({ analyst: "model" })] });
  const panel = page.querySelector("[aria-labelledby='models']")?.textContent;
  expect(panel).toContain("m-1, account platform");
  expect(panel).toContain("9,700 of at most 400,000");
  expect(panel).toContain("$0.0375 of at most $2.00");
  expect(panel).toContain("4 × IP address");
  expect(panel).not.toContain("byte for byte"); // of admins
});

test("the attack on a draft is marked in the timeline", async () => {
  const page = await show({
    turns: [aTurn({ analyst: "model", draft: drafted }), aTurn({ number: 2, analyst: "model" })],
    models: aModelUse(),
  });
  const items = [...page.querySelectorAll(".turns > li")].map((li) => li.className);
  expect(items).toEqual(["", "stage", ""]);
  expect(page.querySelector(".stage")?.textContent).toContain("prove its own report wrong");
});

test("why the built-in analyst took over is told in panel and timeline", async () => {
  const page = await show({
    status: "concluded",
    ended_at: before(1),
    turns: [aTurn({ analyst: "model" }), aTurn({ number: 2, analyst: "builtin" })],
    report: aReport({ analyst: "builtin/1, after a model: AI is switched off" }),
    models: aModelUse({ trouble: "overloaded" }),
  });
  expect([...page.querySelectorAll(".stage")].map((s) => s.textContent)).toEqual([
    "The built-in analyst goes on from here: AI is switched off",
    "The built-in analyst took over. AI is switched off.",
  ]);
});

test("without a model there is no word of one", async () => {
  const page = await show({ turns: [aTurn({ analyst: "builtin" })] });
  expect(page.querySelector(".stage, [aria-labelledby='models']")).toBeNull();
});

test("an operator can cancel what runs, a viewer cannot", async () => {
  await show({}, "operator");
  expect(screen.getByText("Cancel…")).toBeTruthy();
});

test("a viewer cannot, and nobody what has ended", async () => {
  await show({});
  await show({ status: "concluded", ended_at: before(1) }, "admin");
  expect(screen.queryByText("Cancel…")).toBeNull();
});

test("what a model says is text, whatever it says", async () => {
  const nasty =
    '<img src=x onerror="alert(1)"><script>1</script> [l](https://evil.example) ![i](https://evil.example/x.png)';
  const page = await show({
    turns: [aTurn({ say: nasty, calls: [{ id: "t1c1", tool: nasty, why: nasty }] })],
    report: aReport({
      title: nasty,
      summary: nasty,
      culprit: `host/${nasty}`,
      analyst: `model/${nasty} (p, ${nasty})`,
      missing: [nasty],
    }),
    models: aModelUse({ trouble: nasty }),
  });
  expect(page.querySelector("img, script, a[href*='evil']")).toBeNull();
  expect(page.querySelector("h1")?.textContent).toBe(nasty);
});
