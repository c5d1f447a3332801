import type { AI, Provider } from "../services/ai";
import type { Check, Claim, Fix, Investigation, ModelUse, Question, Report, Turn } from "../services/investigations";
import type { LedgerEntry } from "../services/ledger";
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

export function aTurn(change: Partial<Turn> = {}): Turn {
  return { number: 1, say: "Looking around.", calls: [], evidence: [], at: before(60), ...change };
}

export function aQuestion(change: Partial<Question> = {}): Question {
  return {
    id: "ask-1",
    number: 1,
    text: "Was cart slow, too?",
    asker: "mara",
    status: "asked",
    asked_at: before(20),
    turns: [],
    ...change,
  };
}

export function aModelUse(change: Partial<ModelUse> = {}): ModelUse {
  return {
    calls: 3,
    usage: { input: 9000, output: 700, cache_read: 0, cache_write: 0 },
    cost: 37_500,
    answered: [{ provider: "ours", account: "platform", model: "m-1" }],
    data_types: ["logs", "traces"],
    redactions: { ip: 4 },
    ...change,
  };
}

export function anInvestigation(change: Partial<Investigation> = {}): Investigation {
  return {
    id: "inv-1",
    revision: 1,
    request: {
      requester: "midwatch",
      triggers: [],
      fault: { from: before(120), to: before(60) },
      healthy: { from: before(600), to: before(120) },
      budget: { turns: 8, tokens: 400_000, cost: 2_000_000 },
      past: [],
    },
    turns: [],
    status: "running",
    started_at: before(50),
    ended_at: undefined,
    evidence: [],
    fixes: [],
    questions: [],
    workflow: "investigation/demo/inv-1",
    ...change,
  };
}

export function aProvider(change: Partial<Provider> = {}): Provider {
  return {
    name: "ours",
    kind: "anthropic",
    account: "platform",
    model: "m-1",
    address: "api.anthropic.com",
    terms: "No training on our data.",
    price: { input: 3, output: 15 },
    ...change,
  };
}

export function anAI(change: Partial<AI> = {}): AI {
  return {
    environment: "demo",
    enabled: false,
    active: false,
    inactive: "it is switched off",
    providers: [],
    data_types: [],
    kinds: [
      { name: "traces", includes: "Requests between services.", tools: ["list_services"] },
      { name: "logs", includes: "Lines that programs wrote.", tools: ["search_logs"] },
    ],
    updated_at: undefined,
    ...change,
  };
}

export function aLedgerEntry(change: Partial<LedgerEntry> = {}): LedgerEntry {
  return {
    id: "019a",
    call: { investigation: "inv-1", turn: 2, ask: 1 },
    attempt: 1,
    environment: "demo",
    provider: "ours",
    kind: "anthropic",
    account: "platform",
    model: "m-1",
    state: "answered",
    begun_at: before(40),
    ended_at: before(33),
    usage: { input: 9000, output: 700, cache_read: 0, cache_write: 0 },
    cost: 37_500,
    data_types: ["logs", "traces"],
    redactions: { ip: 4 },
    ...change,
  };
}
