const width = 120;
const height = 24;

interface Props {
  /** One value per step, oldest first; null is a gap. */
  values: (number | null)[];
  colour: "rate" | "errors" | "latency";
  /** What the line says, for those who do not see it. */
  label: string;
}

/** A line without axes, from zero to its own maximum. */
export function Sparkline({ values, colour, label }: Props) {
  return (
    <svg className={`sparkline stroke-${colour}`} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={label}>
      <path d={path(values)} />
    </svg>
  );
}

/** The path of values; a gap lifts the pen. */
export function path(values: (number | null)[]): string {
  const top = Math.max(...values.map((v) => v ?? 0), Number.MIN_VALUE);
  const across = (i: number) => (values.length < 2 ? width / 2 : (i / (values.length - 1)) * width);
  let drawing = false;
  const parts = values.map((v, i) => {
    if (v === null) {
      drawing = false;
      return "";
    }
    const command = drawing ? "L" : "M";
    drawing = true;
    return `${command}${across(i).toFixed(1)} ${(height - 2 - (v / top) * (height - 4)).toFixed(1)}`;
  });
  return parts.join("");
}
