import type { Point } from "../services/results";
import type { Window } from "../services/wire";

/** Columns for a chart: `times` in Unix seconds, one value per step. */
export interface Columns {
  times: number[];
  rate: number[];
  errors: number[];
  p50: (number | null)[];
  p95: (number | null)[];
  p99: (number | null)[];
}

/** Lays points on the full grid of the window: a step without requests has rate 0 and no latency. */
export function columns(points: Point[], window: Window, stepS: number): Columns {
  const known = new Map(points.map((p) => [Math.floor(p.time.getTime() / 1000 / stepS), p]));
  const first = Math.ceil(window.from.getTime() / 1000 / stepS);
  const last = Math.ceil(window.to.getTime() / 1000 / stepS) - 1;
  const c: Columns = { times: [], rate: [], errors: [], p50: [], p95: [], p99: [] };
  for (let step = Math.min(first, ...known.keys()); step <= last; step++) {
    const p = known.get(step);
    c.times.push(step * stepS);
    c.rate.push(p?.rate_per_s ?? 0);
    c.errors.push((p?.error_ratio ?? 0) * 100);
    c.p50.push(p?.p50_ms ?? null);
    c.p95.push(p?.p95_ms ?? null);
    c.p99.push(p?.p99_ms ?? null);
  }
  return c;
}
