import { Badge } from "../components/Badge";
import type { Tone } from "../model/labels";
import type { Change } from "../services/results";

const flags: [keyof Change & ("failing" | "slow" | "quiet" | "busy" | "healed" | "new"), Tone][] = [
  ["failing", "bad"],
  ["slow", "bad"],
  ["quiet", "warn"],
  ["busy", "warn"],
  ["healed", "good"],
  ["new", "plain"],
];

/** What a comparison found material. */
export function Flags({ change }: { change: Change }) {
  const raised = flags.filter(([name]) => change[name]);
  if (raised.length === 0) return <span className="muted">as before</span>;
  return (
    <span className="flags">
      {raised.map(([name, tone]) => (
        <Badge key={name} tone={tone}>
          {name}
        </Badge>
      ))}
    </span>
  );
}

/** Orders what changed for the worse first. */
export function worst<T extends Change>(rows: T[]): T[] {
  const weight = (c: Change) => Number(c.failing) * 4 + Number(c.slow) * 2 + Number(c.quiet || c.busy);
  return rows.toSorted((a, b) => weight(b) - weight(a) || b.p95_ratio - a.p95_ratio);
}
