import { words } from "./format";
import type { FixStatus, Verdict } from "../services/investigations";

/** How something is coloured: good, worth a look, bad, under way, or none of these. */
export type Tone = "good" | "warn" | "bad" | "busy" | "plain";

export const verdictLabels: Record<Verdict, { text: string; tone: Tone }> = {
  root_cause: { text: "Root cause", tone: "bad" },
  no_problem: { text: "No problem found", tone: "good" },
  inconclusive: { text: "Inconclusive", tone: "warn" },
};

export const fixLabels: Record<FixStatus, { text: string; tone: Tone }> = {
  awaiting_approval: { text: "Awaiting approval", tone: "warn" },
  rejected: { text: "Rejected", tone: "plain" },
  expired: { text: "Expired", tone: "plain" },
  applying: { text: "Applying", tone: "busy" },
  applied: { text: "Applied", tone: "busy" },
  failed: { text: "Failed", tone: "bad" },
  verified: { text: "Verified", tone: "good" },
  worse: { text: "Not recovered", tone: "bad" },
  merged: { text: "Merged, not deployed yet", tone: "busy" },
  closed: { text: "Closed without merging", tone: "plain" },
};

const severities: Record<string, Tone> = { critical: "bad", warning: "warn", info: "plain" };
const statuses: Record<string, Tone> = {
  investigating: "busy",
  awaiting_approval: "warn",
  applying: "busy",
  verifying: "busy",
  awaiting_merge: "warn",
  awaiting_deployment: "busy",
  resolved: "good",
  failed: "bad",
};

/** A closed incident is one nobody has anything left to do in; whether its condition is over is another matter. */
export function statusLabel(status: string): string {
  return status === "closed" ? "investigated" : words(status);
}

/** The more severe, the greater; what is not known is least. */
export function severityRank(severity: string): number {
  return ["info", "warning", "critical"].indexOf(severity);
}

export function severityTone(severity: string): Tone {
  return severities[severity] ?? "plain";
}

export function incidentTone(status: string): Tone {
  return statuses[status] ?? "plain";
}
