import type { Pair } from "../services/results";

const width = 96;

interface Props {
  pair: Pair;
  /** The length of a full bar. */
  full: number;
  format: (value: number) => string;
}

/** One number during the fault (bar) and in healthy time (tick), with both values. */
export function PairBar({ pair, full, format }: Props) {
  const length = (value: number) => Math.max(0, Math.min(1, full > 0 ? value / full : 0)) * width;
  return (
    <span className="pair">
      <svg viewBox={`0 0 ${width} 10`} aria-hidden="true">
        <rect className="pair-track" width={width} height={10} rx={2} />
        <rect className="pair-fault" width={length(pair.fault)} height={10} rx={2} />
        <rect className="pair-healthy" x={Math.max(0, length(pair.healthy) - 1)} width={2} height={10} />
      </svg>
      <span className="pair-text">
        {format(pair.fault)} <span className="muted">was {format(pair.healthy)}</span>
      </span>
    </span>
  );
}

/** The longest bar of a column. */
export function fullest<T>(rows: T[], pair: (row: T) => Pair): number {
  return Math.max(0, ...rows.flatMap((r) => [pair(r).fault, pair(r).healthy]));
}
