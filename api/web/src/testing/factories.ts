import type { Check, Claim, Fix, Report } from "../services/investigations";
import type { Measure, Point } from "../services/results";
import type { Whoami } from "../services/session";

/** The fixed clock of all tests. */
export const now = new Date("2026-03-01T02:20:00Z");

/** A time some seconds before now. */
export function before(seconds: number): Date {
  return new Date(now.getTime() - seconds * 1000);
}

export function aMeasure(change: Partial<Measure> = {}): Measure {
  return {
    requests: 60,
    rate_per_s: 1,
    errors: 0,
    error_ratio: 0,
    mean_ms: 5,
    p50_ms: 4,
    p95_ms: 12,
    p99_ms: 20,
    ...change,
  };
}

export function aPoint(change: Partial<Point> = {}): Point {
  return { ...aMeasure(), time: before(60), ...change };
}

export function aCheck(change: Partial<Check> = {}): Check {
  return { expression: 'len(ev["e1"]["services"]) > 0', holds: true, counts: true, ...change };
}

export function aClaim(change: Partial<Claim> = {}): Claim {
  return { id: "c1", text: "catalog became slow.", evidence: ["e1"], checks: [aCheck()], ...change };
}

export function aReport(change: Partial<Report> = {}): Report {
  return {
    verdict: "root_cause",
    title: "products lost its index",
    summary: "Looking up products scans the table.",
    culprit: "table/shop/products",
    mechanism: "missing_index",
    confidence: 0.92,
    onset: before(90),
    chain: [aClaim()],
    ruled_out: [],
    missing: [],
    analyst: "builtin/1",
    ...change,
  };
}

export function aFix(change: Partial<Fix> = {}): Fix {
  return {
    id: "fix-1",
    action: "create-index",
    kind: "create_index",
    parameters: { table: "products", column: "category" },
    content: 'CREATE INDEX ON "products" ("category")',
    preconditions: {},
    target: "table/shop/products",
    why: "The slow statement finds rows by category.",
    created_at: before(30),
    digest: "d1".repeat(32),
    status: "awaiting_approval",
    updated_at: undefined,
    approved: [],
    ...change,
  };
}

export function aPerson(role: Whoami["role"]): Whoami {
  return { subject: "mara", role, namespaces: [], environment: "demo", version: "test", temporal_ui: "/temporal/" };
}
