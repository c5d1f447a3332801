import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { request } from "./http";
import { list } from "./wire";

export const roles = ["viewer", "operator", "approver", "admin"] as const;
export type Role = (typeof roles)[number];

/** What a token can be for: a person's role, or another alerting system, which never signs in. */
export const tokenRoles = ["reporter", ...roles] as const;
export type TokenRole = (typeof tokenRoles)[number];

const whoami = z.object({
  subject: z.string(),
  role: z.enum(roles),
  namespaces: list(z.string()),
  environment: z.string(),
  version: z.string(),
  temporal_ui: z.string().optional(),
});
export type Whoami = z.output<typeof whoami>;

export const whoamiQuery = queryOptions({
  queryKey: ["whoami"],
  queryFn: ({ signal }) => request(whoami, "/api/v1/whoami", { signal }),
  staleTime: 60_000,
});

/** Exchanges a token for a session cookie that scripts cannot read. */
export async function signIn(token: string): Promise<void> {
  await request(z.unknown(), "/api/v1/session", { method: "POST", body: { token } });
}

export async function signOut(): Promise<void> {
  await request(z.unknown(), "/api/v1/session", { method: "DELETE" });
}

/** Each role may do all that the one before may. */
export function allows(have: Role, least: Role): boolean {
  return roles.indexOf(have) >= roles.indexOf(least);
}

/** The namespace of the incidents, workflows.Namespace. */
const temporalNamespace = "midwatch";

/** The page of a workflow in the Temporal UI; undefined where there is none. */
export function workflowPage(who: Whoami, workflow: string): string | undefined {
  if (!who.temporal_ui) return undefined;
  const base = who.temporal_ui.replace(/\/+$/, "");
  const path = `${base}/namespaces/${temporalNamespace}/workflows/${encodeURIComponent(workflow)}`;
  const safe = path.startsWith("/") || path.startsWith("https://") || path.startsWith("http://");
  return safe ? path : undefined;
}
