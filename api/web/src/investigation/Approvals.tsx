import { ClockTime } from "../components/Times";
import { standing } from "../model/approvals";
import { useNow } from "../model/now";
import type { Fix } from "../services/investigations";

/** How far a fix is that several people have to approve; nothing for any other. */
export function Approvals({ fix }: { fix: Fix }) {
  const now = useNow();
  if (!fix.needed || fix.needed < 2) return null;
  const given = standing(fix, now);
  return (
    <p className="approvals">
      <b>
        {given.length} of {fix.needed} approvals
      </b>
      {given.map((a, i) => (
        <span key={a.approver}>
          {i === 0 ? ", by " : ", "}
          {a.approver}
          {fix.status === "awaiting_approval" && (
            <span className="muted">
              {" "}
              (until <ClockTime at={a.expires_at} />)
            </span>
          )}
        </span>
      ))}
      {given.length === 0 && fix.status === "awaiting_approval" && ". Different people have to approve it."}
    </p>
  );
}
