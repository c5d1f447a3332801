import type { ReactNode } from "react";
import type { Tone } from "../model/labels";

/** A short state in its colour. The text alone says all. */
export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
  return <span className={`badge tone-${tone}`}>{children}</span>;
}
