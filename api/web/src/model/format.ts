const two = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const none = "–";

/** 0.42, 12.3, 1,240: three digits that matter. */
export function number(n: number): string {
  return Math.abs(n) >= 1000 ? whole.format(n) : two.format(n);
}

/** Requests per second. */
export function rate(perSecond: number): string {
  return `${number(perSecond)}/s`;
}

/** A share of 0..1 as a percentage; what is there but tiny does not look like nothing. */
export function percent(share: number): string {
  if (share > 0 && share < 0.0005) return "<0.1%";
  return `${(share * 100).toFixed(share < 0.0995 && share > 0 ? 1 : 0)}%`;
}

/** Milliseconds in the unit that reads best. */
export function millis(ms: number): string {
  if (ms === 0) return "0 ms";
  if (Math.abs(ms) < 1) return `${two.format(ms * 1000)} µs`;
  if (Math.abs(ms) < 1000) return `${two.format(ms)} ms`;
  return duration(ms);
}

/** A length of time for people: 12 s, 1 min 40 s, 2 h 5 min. */
export function duration(ms: number): string {
  const seconds = ms / 1000;
  if (seconds < 10) return `${two.format(seconds)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return join(minutes, "min", Math.round(seconds % 60), "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return join(hours, "h", minutes % 60, "min");
  return join(Math.floor(hours / 24), "d", hours % 24, "h");
}

function join(a: number, unit: string, b: number, rest: string): string {
  return b === 0 ? `${a} ${unit}` : `${a} ${unit} ${b} ${rest}`;
}

/** 24 KiB, 310 MiB. */
export function bytes(n: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let value = n;
  while (Math.abs(value) >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${two.format(value)} ${units[unit]}`;
}

/** The local clock time, with seconds. */
export function clock(at: Date): string {
  return at.toLocaleTimeString("en-GB");
}

/** Local date and clock time; the date is left out on the day itself. */
export function moment(at: Date, now: Date): string {
  if (at.toDateString() === now.toDateString()) return clock(at);
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short" })} ${clock(at)}`;
}

/** How long ago, roughly: just now, 40 s ago, 3 h ago. */
export function ago(at: Date, now: Date): string {
  const seconds = Math.round((now.getTime() - at.getTime()) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min ago`;
  if (seconds < 48 * 3600) return `${Math.round(seconds / 3600)} h ago`;
  return `${Math.round(seconds / 86400)} d ago`;
}

/** How many times more or less: 3.2×; a dash where there was nothing to compare with. */
export function times(ratio: number): string {
  return ratio > 0 && Number.isFinite(ratio) ? `${two.format(ratio)}×` : none;
}

/** snake_case as words: "missing index". */
export function words(name: string): string {
  return name.replaceAll("_", " ");
}

/** Splits an entity id at its first slash: "table/shop/products" is a table named shop/products. */
export function entity(id: string): { kind: string; name: string } {
  const slash = id.indexOf("/");
  return slash < 0 ? { kind: "", name: id } : { kind: id.slice(0, slash), name: id.slice(slash + 1) };
}

/** A reason as a sentence: a capital at its beginning, a full stop at its end. */
export function sentence(text: string): string {
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?]$/.test(begun) ? begun : `${begun}.`;
}
