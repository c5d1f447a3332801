import { useNavigate, useSearch } from "@tanstack/react-router";
import { moment } from "../model/format";
import { useNow } from "../model/now";
import { type Range, rangeOf, searchOf, spanNames } from "../model/range";

/** The time range of the URL. */
export function useRange(): Range {
  return rangeOf(useSearch({ from: "/app" }));
}

/** Puts a range into the URL. */
export function useSetRange(): (range: Range) => void {
  const navigate = useNavigate();
  return (range) => void navigate({ to: ".", search: (before) => ({ ...before, ...searchOf(range) }) });
}

/** The one time range of all pages with telemetry. */
export function RangePicker() {
  const range = useRange();
  const setRange = useSetRange();
  const now = useNow();
  return (
    <div className="range" role="group" aria-label="Time range">
      {range.kind === "between" && (
        <span className="range-fixed">
          {moment(range.from, now)} – {moment(range.to, now)}
        </span>
      )}
      {spanNames.map((span) => (
        <button
          key={span}
          type="button"
          aria-pressed={range.kind === "last" && range.span === span}
          onClick={() => setRange({ kind: "last", span })}
        >
          {span}
        </button>
      ))}
    </div>
  );
}
