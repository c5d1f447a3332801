import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { ApiError, request, withQuery } from "./http";
import { redactions, usage } from "./ledger";
import { list, maybeTime, strings, time, window } from "./wire";

export const verdict = z.enum(["root_cause", "no_problem", "inconclusive"]);
export type Verdict = z.output<typeof verdict>;

const trigger = z.object({
  id: z.string(),
  kind: z.string(),
  rule: z.string(),
  entity: z.string(),
  service: z.string(),
  severity: z.string(),
  summary: z.string(),
  value: z.number(),
  threshold: z.number(),
  onset: maybeTime,
  at: time,
});
export type Trigger = z.output<typeof trigger>;

const check = z.object({
  expression: z.string(),
  holds: z.boolean(),
  counts: z.boolean(),
  note: z.string().optional(),
});
export type Check = z.output<typeof check>;

const claim = z.object({
  id: z.string(),
  text: z.string(),
  evidence: list(z.string()),
  checks: list(check),
  struck: z.string().optional(),
});
export type Claim = z.output<typeof claim>;

const report = z.object({
  verdict,
  title: z.string(),
  summary: z.string(),
  culprit: z.string().optional(),
  mechanism: z.string().optional(),
  confidence: z.number(),
  onset: maybeTime,
  chain: list(claim),
  ruled_out: list(z.object({ entity: z.string(), why: z.string(), evidence: list(z.string()) })),
  missing: list(z.string()),
  analyst: z.string(),
});
export type Report = z.output<typeof report>;

const call = z.object({ id: z.string(), tool: z.string(), arguments: z.unknown().optional(), why: z.string() });
export type ToolCall = z.output<typeof call>;

const turn = z.object({
  number: z.number(),
  say: z.string(),
  calls: list(call),
  evidence: list(z.string()),
  analyst: z.string().optional(),
  draft: z.object({ verdict }).optional(),
  at: time,
});
export type Turn = z.output<typeof turn>;

const evidence = z.object({
  id: z.string(),
  call: z.string(),
  tool: z.string(),
  arguments: z.unknown().optional(),
  window,
  query: z.string(),
  summary: z.string(),
  result: z.unknown().optional(),
  digest: z.string(),
  data_types: list(z.string()),
  error: z.string().optional(),
  at: time,
});
export type Evidence = z.output<typeof evidence>;

export const fixStatus = z.enum([
  "awaiting_approval",
  "rejected",
  "expired",
  "applying",
  "applied",
  "failed",
  "verified",
  "worse",
  "merged",
  "closed",
]);
export type FixStatus = z.output<typeof fixStatus>;

const fix = z.object({
  id: z.string(),
  action: z.string(),
  kind: z.string(),
  parameters: strings,
  content: z.string(),
  preconditions: strings,
  target: z.string(),
  why: z.string(),
  created_at: time,
  digest: z.string(),
  status: fixStatus,
  result: z.string().optional(),
  updated_at: maybeTime,
  needed: z.number().optional(),
  approved: list(z.object({ approver: z.string(), at: time, expires_at: time })),
});
export type Fix = z.output<typeof fix>;

const incident = z.object({
  id: z.string(),
  title: z.string(),
  service: z.string(),
  severity: z.string(),
  status: z.string(),
  triggers: list(trigger),
  dropped: z.number().optional(),
  investigation: z.string(),
  opened_at: time,
  closed_at: maybeTime,
});
export type Incident = z.output<typeof incident>;

const incidentRow = incident.extend({ verdict: verdict.optional(), culprit: z.string().optional() });
export type IncidentRow = z.output<typeof incidentRow>;

const models = z.object({
  calls: z.number(),
  usage,
  cost: z.number(),
  answered: list(z.object({ provider: z.string(), account: z.string(), model: z.string() })),
  data_types: list(z.string()),
  redactions,
  trouble: z.string().optional(),
});
/** What models did for an investigation so far. */
export type ModelUse = z.output<typeof models>;

const pastIncident = z.object({
  incident: z.string(),
  investigation: z.string(),
  title: z.string(),
  culprit: z.string(),
  mechanism: z.string(),
  fix: z.string().optional(),
  outcome: z.string(),
  at: time,
  alike: z.number(),
});
export type PastIncident = z.output<typeof pastIncident>;

const question = z.object({
  id: z.string(),
  number: z.number(),
  text: z.string(),
  asker: z.string(),
  status: z.enum(["asked", "answered", "failed", "cancelled"]),
  asked_at: time,
  turns: list(turn),
  answer: z
    .object({
      text: z.string(),
      evidence: list(z.string()),
      analyst: z.string(),
      no_model: z.string().optional(),
    })
    .optional(),
  failure: z.string().optional(),
});
/** A follow-up question about an investigation, and its answer once there is one. */
export type Question = z.output<typeof question>;

const investigation = z.object({
  id: z.string(),
  revision: z.number(),
  request: z.object({
    question: z.string().optional(),
    requester: z.string(),
    triggers: list(trigger),
    fault: window,
    healthy: window,
    budget: z.object({ turns: z.number(), tokens: z.number().optional(), cost: z.number().optional() }),
    past: list(pastIncident),
  }),
  turns: list(turn),
  report: report.optional(),
  status: z.enum(["running", "concluded", "failed"]),
  started_at: time,
  ended_at: maybeTime,
  incident: incident.optional(),
  evidence: list(evidence),
  fixes: list(fix),
  questions: list(question),
  models: models.optional(),
  workflow: z.string(),
});
export type Investigation = z.output<typeof investigation>;

export const incidentsQuery = queryOptions({
  queryKey: ["incidents"],
  queryFn: ({ signal }) =>
    request(z.object({ incidents: list(incidentRow) }), withQuery("/api/v1/incidents", { limit: 200 }), { signal }),
  refetchInterval: 5_000,
  select: (answer) => answer.incidents,
});

export function incidentQuery(id: string) {
  return queryOptions({
    queryKey: ["incident", id],
    queryFn: ({ signal }) => request(z.object({ incident }), `/api/v1/incidents/${encodeURIComponent(id)}`, { signal }),
    select: (answer) => answer.incident,
  });
}

const path = (id: string) => `/api/v1/investigations/${encodeURIComponent(id)}`;

/** How often an investigation that was asked for is looked for, and for how long: it exists a few seconds later. */
const beginning = { every: 1_000, tries: 30 };

export function investigationQuery(id: string) {
  return queryOptions({
    queryKey: ["investigation", id],
    queryFn: ({ signal }) => request(investigation, path(id), { signal }),
    retry: (failures, error) => error instanceof ApiError && error.status === 404 && failures < beginning.tries,
    retryDelay: beginning.every,
  });
}

export function evidenceQuery(investigationID: string, id: string) {
  return queryOptions({
    queryKey: ["evidence", investigationID, id],
    queryFn: ({ signal }) =>
      request(evidence, `${path(investigationID)}/evidence/${encodeURIComponent(id)}`, { signal }),
    staleTime: Infinity, // evidence never changes
  });
}

/** Calls `onState` with the investigation now and whenever it changes, until the returned function is called. */
export function watchInvestigation(
  id: string,
  onState: (state: Investigation) => void,
  onConnected: (connected: boolean) => void,
): () => void {
  const source = new EventSource(`${path(id)}/events`);
  source.addEventListener("open", () => onConnected(true));
  source.addEventListener("error", () => onConnected(false)); // the browser connects again by itself
  source.addEventListener("state", (event) => {
    const parsed = investigation.safeParse(JSON.parse(event.data));
    if (parsed.success) onState(parsed.data);
  });
  return () => source.close();
}

const asked = z.object({
  investigation: z.string(),
  services: list(z.string()),
  unknown: list(z.string()),
  window: window.optional(),
  found: window.optional(),
  misread: list(z.string()),
});
/** An investigation that was started, and what of its question was understood. */
export type Asked = z.output<typeof asked>;

/** Starts an investigation of a person's question. */
export function ask(question: string, service: string): Promise<Asked> {
  const clock = { utc_offset_min: -new Date().getTimezoneOffset() }; // of times that the question names
  const body = service ? { question, service, ...clock } : { question, ...clock };
  return request(asked, "/api/v1/investigations", { method: "POST", body });
}

/** Ends an investigation that runs, and its incident. */
export async function cancel(id: string): Promise<void> {
  await request(z.unknown(), `${path(id)}/cancel`, { method: "POST" });
}

const decision = z.object({
  approved: z.boolean(),
  approver: z.string(),
  expires_at: time,
  needed: z.number(),
  given: z.number(),
});
export type Decision = z.output<typeof decision>;

/** Approves exactly the content whose digest was shown. */
export function approve(fixID: string, digest: string): Promise<Decision> {
  return request(decision, `/api/v1/fixes/${encodeURIComponent(fixID)}/approve`, { method: "POST", body: { digest } });
}

export function reject(fixID: string, digest: string, reason: string): Promise<Decision> {
  const body = { digest, reason };
  return request(decision, `/api/v1/fixes/${encodeURIComponent(fixID)}/reject`, { method: "POST", body });
}
