import type { Investigation, Turn } from "../services/investigations";
import type { Usage } from "../services/ledger";

/** Millionths of a dollar: $0.0312, $1.24. */
export function dollars(millionths: number): string {
  const value = millionths / 1e6;
  return `$${value.toFixed(value !== 0 && Math.abs(value) < 1 ? 4 : 2)}`;
}

/** All tokens of a usage, in and out. */
export function tokens(u: Usage): number {
  return u.input + u.output + u.cache_read + u.cache_write;
}

/** The stage in which a turn was decided. */
export type Stage = "look" | "attack" | "takeover";

/** The stage of each turn: a model attacks its own draft; the built-in analyst goes on where a model stopped. */
export function stages(turns: Turn[]): Stage[] {
  let drafted = false;
  let modelled = false;
  return turns.map((turn) => {
    const byModel = turn.analyst === "model";
    const stage = byModel && drafted ? "attack" : modelled && !byModel ? "takeover" : "look";
    modelled ||= byModel;
    drafted ||= byModel && turn.draft !== undefined;
    return stage;
  });
}

const mark = ", after a model: ";

/** Who decided, and why the built-in analyst took over where a model had begun. */
export function decider(investigation: Investigation): { who: string; tookOver?: string } {
  const { report, turns, models } = investigation;
  const [who = "", why] = report?.analyst.split(mark) ?? [];
  const last = turns.at(-1)?.analyst;
  const begun = turns.some((t) => t.analyst === "model") || models !== undefined;
  const over = why ?? (begun && last === "builtin" ? models?.trouble || "no model answered" : undefined);
  if (who) return { who: named(who), ...(over !== undefined && { tookOver: over }) };
  if (over !== undefined) return { who: "built-in analyst", tookOver: over };
  const answered = models?.answered.at(-1);
  if (answered) return { who: `${answered.model}, account ${answered.account}` };
  return { who: begun ? "a model" : "built-in analyst" };
}

/** "model/m-1 (p, account)" and "builtin/1" in words. */
function named(analyst: string): string {
  const model = /^model\/(.*) \(([^,]*), (.*)\)$/s.exec(analyst);
  if (model) return `${model[1]}, account ${model[3]}`;
  return analyst.startsWith("builtin/") ? `built-in analyst ${analyst.slice("builtin/".length)}` : analyst;
}

/** Kinds of redaction with their numbers, most first: "14 addresses". */
export function redacted(counts: Record<string, number>): string[] {
  return Object.entries(counts)
    .toSorted(([, a], [, b]) => b - a)
    .map(([kind, n]) => `${n} × ${kinds[kind] ?? kind.replace(/^secret:/, "secret: ")}`);
}

const kinds: Record<string, string> = {
  ip: "IP address",
  email: "e-mail address",
  user: "user name",
  host: "host name",
};
