import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { request, withQuery } from "./http";
import { type TokenRole, tokenRoles } from "./session";
import { list, maybeTime, time } from "./wire";

const settings = z.object({
  retention_days: z.number(),
  ledger_days: z.number(),
  investigation_days: z.number(),
});
export type Settings = z.output<typeof settings>;

export const settingsQuery = queryOptions({
  queryKey: ["settings"],
  queryFn: ({ signal }) => request(settings, "/api/v1/settings", { signal }),
});

export function putSettings(change: Settings): Promise<Settings> {
  return request(settings, "/api/v1/settings", { method: "PUT", body: change });
}

const tool = z.object({
  name: z.string(),
  description: z.string(),
  data_types: list(z.string()),
  cost: z.number(),
});
export type Tool = z.output<typeof tool>;

export const toolsQuery = queryOptions({
  queryKey: ["tools"],
  queryFn: ({ signal }) => request(z.object({ tools: list(tool) }), "/api/v1/tools", { signal }),
  select: (answer) => answer.tools,
});

const token = z.object({
  id: z.string(),
  subject: z.string(),
  role: z.enum(["sender", ...tokenRoles]), // senders of telemetry are made by the CLI: they need an environment
  created_at: time,
  expires_at: maybeTime,
  revoked_at: maybeTime,
});
export type Token = z.output<typeof token>;

export const tokensQuery = queryOptions({
  queryKey: ["tokens"],
  queryFn: ({ signal }) => request(z.object({ tokens: list(token) }), "/api/v1/tokens", { signal }),
  select: (answer) => answer.tokens,
});

const created = token.extend({ text: z.string() });
export type CreatedToken = z.output<typeof created>;

export function createToken(grant: { subject: string; role: TokenRole; expires_at?: Date }): Promise<CreatedToken> {
  return request(created, "/api/v1/tokens", { method: "POST", body: grant });
}

export async function revokeToken(id: string): Promise<void> {
  await request(z.unknown(), `/api/v1/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
}

const auditEntry = z.object({
  id: z.string(),
  at: time,
  subject: z.string(),
  action: z.string(),
  object: z.string(),
  outcome: z.string(),
  detail: z.string().optional(),
});
export type AuditEntry = z.output<typeof auditEntry>;

export const auditQuery = queryOptions({
  queryKey: ["audit"],
  queryFn: ({ signal }) =>
    request(z.object({ entries: list(auditEntry) }), withQuery("/api/v1/audit", { limit: 200 }), { signal }),
  select: (answer) => answer.entries,
  refetchInterval: 10_000,
});

/** Who decided on a fix, and when: only the audit log says, which only an admin may read. */
export function decisionOn(
  fixID: string,
  entries: AuditEntry[],
): { approved: boolean; by: string; at: Date } | undefined {
  const object = (verb: string) => `fixes/${fixID}/${verb}`;
  const entry = entries.find(
    (e) => e.outcome === "allowed" && (e.object === object("approve") || e.object === object("reject")),
  );
  return entry && { approved: entry.object === object("approve"), by: entry.subject, at: entry.at };
}
