import { expect, test } from "vitest";
import { aCheck, aClaim, aReport } from "../testing/factories";
import { draw } from "../testing/render";
import { ReportView } from "./ReportView";

test("checks show whether they count, hold or fail", async () => {
  const checks = [
    aCheck({ expression: "a" }),
    aCheck({ expression: "b", counts: false, note: "also true on the healthy window" }),
    aCheck({ expression: "c", holds: false, counts: false }),
  ];
  const page = await draw(<ReportView report={aReport({ chain: [aClaim({ checks })] })} />);
  const badges = [...page.querySelectorAll(".checks li .badge")].map((b) => b.textContent);
  expect(badges).toEqual(["counts", "holds", "failed"]);
  expect(page.textContent).toContain("also true on the healthy window");
});

test("a struck claim is crossed out and says why", async () => {
  const page = await draw(<ReportView report={aReport({ chain: [aClaim({ struck: "its only check fails" })] })} />);
  expect(page.querySelector("s")?.textContent).toBe("catalog became slow.");
  expect(page.textContent).toContain("Struck: its only check fails");
});

test("text of a report is text, never markup", async () => {
  const summary = '<img src=x onerror="alert(1)"> [click](https://evil.example)';
  const page = await draw(<ReportView report={aReport({ summary })} />);
  expect(page.textContent).toContain(summary);
  expect(page.querySelector("img, a[href^='http']")).toBeNull();
});

test("what was ruled out and what is missing are told", async () => {
  const report = aReport({
    ruled_out: [{ entity: "service/cart", why: "as fast as before.", evidence: ["e2"] }],
    missing: ["CPU of postgres"],
  });
  const page = await draw(<ReportView report={report} />);
  expect(page.textContent).toContain("as fast as before.");
  expect(page.textContent).toContain("CPU of postgres");
});
