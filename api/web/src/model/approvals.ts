import type { Fix } from "../services/investigations";

/** The approvals of a fix that count: of one that waits, those that have not expired; of a decided one, all it had. */
export function standing(fix: Fix, now: Date): Fix["approved"] {
  return fix.status === "awaiting_approval" ? fix.approved.filter((a) => a.expires_at > now) : fix.approved;
}

/** A second token, or another spelling, does not make a second person. */
export function samePerson(a: string, b: string): boolean {
  return a.trim().toLowerCase() === b.trim().toLowerCase();
}
