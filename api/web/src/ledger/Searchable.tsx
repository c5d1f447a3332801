import type { ReactNode } from "react";

/** Marks in one text at most; more would slow the page down. */
const most = 2_000;

/** How often a text holds another, in any case. */
export function count(text: string, wanted: string): number {
  return wanted ? text.toLowerCase().split(wanted.toLowerCase()).length - 1 : 0;
}

/** Text with every place marked that holds what is searched for. */
export function marked(text: string, wanted: string): ReactNode {
  if (!wanted) return text;
  const lower = text.toLowerCase();
  if (lower.length !== text.length) return text; // a letter whose small form is longer: places would not fit
  const pieces: ReactNode[] = [];
  let from = 0;
  for (let n = 0; n < most; n++) {
    const at = lower.indexOf(wanted.toLowerCase(), from);
    if (at < 0) break;
    pieces.push(text.slice(from, at), <mark key={at}>{text.slice(at, at + wanted.length)}</mark>);
    from = at + wanted.length;
  }
  return [...pieces, text.slice(from)];
}
