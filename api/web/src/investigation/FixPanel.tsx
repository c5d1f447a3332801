import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Badge } from "../components/Badge";
import { Moment } from "../components/Times";
import { samePerson, standing } from "../model/approvals";
import { fixLabels } from "../model/labels";
import { useNow } from "../model/now";
import { auditQuery, decisionOn } from "../services/admin";
import type { Decision, Fix } from "../services/investigations";
import { allows, type Whoami } from "../services/session";
import { Approvals } from "./Approvals";
import { ApproveDialog, RejectDialog } from "./DecisionDialogs";
import { FixContent } from "./FixContent";
import { FixSteps } from "./FixSteps";

/** The fix with its exact content, and the decision about it. */
export function FixPanel({ fix, who }: { fix: Fix; who: Whoami }) {
  const label = fixLabels[fix.status];
  return (
    <section className="panel fix" aria-labelledby={fix.id} data-fix-status={fix.status}>
      <div className="panel-head">
        <h2 id={fix.id}>Proposed fix</h2>
        <Badge tone={label.tone}>{label.text}</Badge>
      </div>
      <p>{fix.why}</p>
      <FixContent fix={fix} />
      <FixSteps fix={fix} />
      <Approvals fix={fix} />
      {fix.status !== "awaiting_approval" && allows(who.role, "admin") && <Decider fix={fix} />}
      {fix.result && <p className="fix-result">{fix.result}</p>}
      {fix.status === "awaiting_approval" && <Decide fix={fix} who={who} />}
    </section>
  );
}

function Decider({ fix }: { fix: Fix }) {
  const { data } = useQuery(auditQuery);
  const decision = data && decisionOn(fix.id, data);
  if (!decision) return null;
  return (
    <p>
      {decision.approved ? "Approved" : "Rejected"} by <b>{decision.by}</b>, <Moment at={decision.at} />
    </p>
  );
}

function waitsFor({ approved, needed, given }: Decision): string {
  const missing = approved ? needed - given - 1 : 0;
  if (missing <= 0) return "Waiting for it to be carried out…";
  return `Waiting for ${missing === 1 ? "another person" : `${missing} other people`} to approve it, too…`;
}

function Decide({ fix, who }: { fix: Fix; who: Whoami }) {
  const now = useNow();
  const [asking, setAsking] = useState<"approve" | "reject">();
  const [sent, setSent] = useState<{ decision: Decision; at: Date }>();
  if (sent) {
    return (
      <p className="sent" role="status">
        {sent.decision.approved ? "Approved" : "Rejected"} by {sent.decision.approver}, <Moment at={sent.at} />.{" "}
        {waitsFor(sent.decision)}
      </p>
    );
  }
  if (!allows(who.role, "approver")) {
    return <p className="muted">Your role is {who.role}; deciding on fixes needs approver.</p>;
  }
  const approved = standing(fix, now).some((a) => samePerson(a.approver, who.subject));
  const done = (decision: Decision) => {
    setAsking(undefined);
    setSent({ decision, at: new Date() });
  };
  const close = () => setAsking(undefined);
  return (
    <div className="actions">
      <button type="button" className="button" onClick={() => setAsking("reject")}>
        Reject…
      </button>
      {approved ? (
        <p className="muted">You approved it. Somebody else has to, too.</p>
      ) : (
        <button type="button" className="button primary" onClick={() => setAsking("approve")}>
          Approve…
        </button>
      )}
      {asking === "approve" && <ApproveDialog fix={fix} who={who} onDone={done} onClose={close} />}
      {asking === "reject" && <RejectDialog fix={fix} onDone={done} onClose={close} />}
    </div>
  );
}
