import { useEffect, useRef } from "react";
import uPlot from "uplot";
import { clock } from "../model/format";
import { useDark } from "../model/theme";

export interface Line {
  label: string;
  values: (number | null)[];
  colour: "rate" | "errors" | "p50" | "p95" | "p99";
}

/** Something that happened, shown as an upright line. */
export interface Mark {
  at: Date;
  text: string;
}

interface Props {
  label: string;
  /** Unix seconds, one per value of the lines. */
  times: number[];
  lines: Line[];
  format: (value: number) => string;
  marks?: Mark[];
  height?: number;
  /** Called with a span that was dragged across. */
  onSelect?: (from: Date, to: Date) => void;
}

/** A chart over time. Charts of a page share the cursor. */
export function Chart({ label, times, lines, format, marks = none, height = 150, onSelect }: Props) {
  const frame = useRef<HTMLDivElement>(null);
  const dark = useDark();
  const select = useRef(onSelect);
  select.current = onSelect;

  // uPlot draws on a canvas of its own: it is made anew when data, size or colours change.
  useEffect(() => {
    const at = frame.current;
    if (!at) return;
    const data: uPlot.AlignedData = [times, ...lines.map((l) => l.values)];
    const options = chartOptions(at, lines, format, height, (from, to) => select.current?.(from, to));
    options.hooks = { ...options.hooks, draw: [(u) => drawMarks(u, marks)] };
    const plot = new uPlot({ ...options, width: at.clientWidth }, data, at);
    const resize = new ResizeObserver(() => plot.setSize({ width: at.clientWidth, height }));
    resize.observe(at);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [times, lines, format, marks, height, dark]);

  return (
    <figure className="chart">
      <figcaption>{label}</figcaption>
      <div ref={frame} className="chart-frame" role="img" aria-label={summary(label, lines, format, marks)} />
    </figure>
  );
}

const none: Mark[] = [];

function summary(label: string, lines: Line[], format: (value: number) => string, marks: Mark[]): string {
  const last = lines.map((l) => {
    const value = l.values.findLast((v) => v !== null);
    return `${l.label} ${value == null ? "unknown" : format(value)}`;
  });
  const happened = marks.length > 0 ? `; ${marks.map((m) => `${clock(m.at)} ${m.text}`).join("; ")}` : "";
  return `${label}: ${last.join(", ")} at the end${happened}`;
}

/** Puts an element over the plot for each mark: it can say what happened when it is pointed at, which a canvas cannot. */
function drawMarks(u: uPlot, marks: Mark[]) {
  u.over.querySelectorAll(".chart-mark").forEach((old) => old.remove());
  const { min, max } = u.scales.x ?? {};
  for (const m of marks) {
    const at = m.at.getTime() / 1000;
    if (min == null || max == null || at < min || at > max) continue;
    const line = document.createElement("span");
    line.className = "chart-mark";
    line.title = `${clock(m.at)} ${m.text}`;
    line.style.left = `${u.valToPos(at, "x")}px`;
    u.over.append(line);
  }
}

function chartOptions(
  at: HTMLElement,
  lines: Line[],
  format: (value: number) => string,
  height: number,
  onSelect: (from: Date, to: Date) => void,
): Omit<uPlot.Options, "width"> {
  const colour = (name: string) => resolve(at, name);
  const axis: uPlot.Axis = {
    stroke: colour("--muted"),
    grid: { stroke: colour("--grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    height,
    padding: [8, 28, 0, 0],
    cursor: { sync: { key: "page" }, drag: { setScale: false, x: true, y: false }, points: { size: 6 } },
    legend: { live: true },
    scales: { y: { range: (_, __, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, size: 28, space: 80, values: "{HH}:{mm}:{ss}" },
      { ...axis, size: 64, space: 32, values: (_, splits) => splits.map(format) },
    ],
    series: [
      { value: "{HH}:{mm}:{ss}" },
      ...lines.map((l): uPlot.Series => ({
        label: l.label,
        stroke: colour(`--line-${l.colour}`),
        width: 1.5,
        points: { show: false },
        value: (_, v) => (v == null ? "–" : format(v)),
      })),
    ],
    hooks: {
      setSelect: [
        (u) => {
          if (u.select.width < 4) return;
          const [from, to] = [u.select.left, u.select.left + u.select.width].map((x) => u.posToVal(x, "x"));
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          if (from !== undefined && to !== undefined) onSelect(new Date(from * 1000), new Date(to * 1000));
        },
      ],
    },
  };
}

/** The colour a custom property has here and now; a canvas cannot read light-dark(). */
function resolve(at: HTMLElement, property: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${property})`;
  at.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
