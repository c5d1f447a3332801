import { expect, test } from "vitest";
import { aModelUse, anInvestigation, aReport, aTurn } from "../testing/factories";
import { decider, dollars, redacted, stages } from "./models";

test("money keeps the digits that matter", () => {
  expect([0, 31_200, 1_240_000].map(dollars)).toEqual(["$0.00", "$0.0312", "$1.24"]);
});

test("a model's turns after its draft attack it; then the built-in analyst takes over", () => {
  const turns = [
    aTurn({ analyst: "model" }),
    aTurn({ analyst: "model", draft: { verdict: "root_cause" } }),
    aTurn({ analyst: "model" }),
    aTurn({ analyst: "builtin" }),
  ];
  expect(stages(turns)).toEqual(["look", "look", "attack", "takeover"]);
  expect(stages([aTurn({ analyst: "builtin", draft: { verdict: "root_cause" } }), aTurn({})])).toEqual([
    "look",
    "look",
  ]);
});

test("who decides is told from report, ledger and turns", () => {
  const report = (analyst: string) => anInvestigation({ report: aReport({ analyst }) });
  expect(decider(report("builtin/1"))).toEqual({ who: "built-in analyst 1" });
  expect(decider(report("model/m-1 (ours, platform, EU)"))).toEqual({ who: "m-1, account platform, EU" });
  expect(decider(report("builtin/1, after a model: AI is switched off"))).toEqual({
    who: "built-in analyst 1",
    tookOver: "AI is switched off",
  });
  expect(decider(anInvestigation({}))).toEqual({ who: "built-in analyst" });
  const models = aModelUse({ trouble: "overloaded" });
  expect(decider(anInvestigation({ models, turns: [aTurn({ analyst: "model" })] })).who).toBe("m-1, account platform");
  expect(
    decider(anInvestigation({ models, turns: [aTurn({ analyst: "model" }), aTurn({ analyst: "builtin" })] })),
  ).toEqual({
    who: "built-in analyst",
    tookOver: "overloaded",
  });
});

test("redactions are told in words", () => {
  expect(redacted({ "secret:password": 1, ip: 14 })).toEqual(["14 × IP address", "1 × secret: password"]);
});
