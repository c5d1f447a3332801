import { Moment } from "../components/Times";
import type { Fix, FixStatus } from "../services/investigations";

interface Step {
  text: string;
  at?: Date | undefined;
  state: "done" | "current" | "ahead" | "bad";
}

/** Where a fix stands on its way from proposal to recovery. */
export function FixSteps({ fix }: { fix: Fix }) {
  return (
    <ol className="steps">
      {steps(fix).map((s) => (
        <li key={s.text} className={s.state} aria-current={s.state === "current" ? "step" : undefined}>
          {s.text}
          {s.at && (
            <span className="muted">
              {" "}
              <Moment at={s.at} />
            </span>
          )}
        </li>
      ))}
    </ol>
  );
}

const ended: Partial<Record<FixStatus, string>> = {
  rejected: "Rejected",
  expired: "Nobody decided in time",
  failed: "Could not be applied",
  worse: "Applied, but no recovery",
  closed: "Closed without merging",
};

const plain: [ahead: string, done: string][] = [["Application", "Applied"]];

/** Midwatch opens a pull request; people merge and deploy it. */
const pullRequest: [ahead: string, done: string][] = [
  ["Pull request", "Pull request opened"],
  ["Merge by people", "Merged"],
];

/** The steps of a fix. Only the time of its proposal and of its last change are known. */
export function steps(fix: Fix): Step[] {
  const proposed: Step = { text: "Proposed", at: fix.created_at, state: "done" };
  const end = ended[fix.status];
  if (end) return [proposed, { text: end, at: fix.updated_at, state: "bad" }];
  const pull = fix.kind === "pull_request";
  const way: FixStatus[] = [
    "awaiting_approval",
    "applying",
    "applied",
    ...(pull ? ["merged" as const] : []),
    "verified",
  ];
  const reached = way.indexOf(fix.status);
  const texts: [ahead: string, done: string][] = [
    ["Approval", "Approved"],
    ...(pull ? pullRequest : plain),
    ["Recovery", "Recovery verified"],
  ];
  return [
    proposed,
    ...texts.map(([ahead, done], i): Step => {
      const state = i < reached ? "done" : i === reached ? "current" : "ahead";
      return { text: state === "done" ? done : ahead, state, at: i === reached - 1 ? fix.updated_at : undefined };
    }),
  ];
}
