import { ago, clock, moment } from "../model/format";
import { useNow } from "../model/now";

/** A point in time and how long ago it was. */
export function Ago({ at }: { at: Date }) {
  const now = useNow();
  return (
    <time dateTime={at.toISOString()} title={at.toISOString()}>
      {ago(at, now)}
    </time>
  );
}

/** Date and clock time; the date is left out today. */
export function Moment({ at }: { at: Date }) {
  const now = useNow();
  return (
    <time dateTime={at.toISOString()} title={at.toISOString()}>
      {moment(at, now)}
    </time>
  );
}

/** Clock time alone. */
export function ClockTime({ at }: { at: Date }) {
  return (
    <time dateTime={at.toISOString()} title={at.toISOString()}>
      {clock(at)}
    </time>
  );
}
