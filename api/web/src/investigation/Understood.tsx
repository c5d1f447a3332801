import { Moment } from "../components/Times";
import type { Asked } from "../services/investigations";

/** What of a question was understood: whom it is about, which time is looked at, and what it names that there is not. */
export function Understood({ asked: { services, unknown, window, found, misread } }: { asked: Asked }) {
  const time = window ?? found;
  return (
    <div role="status">
      <p>
        {services.length > 0
          ? `About ${services.join(", ")}.`
          : "About every service: the question names none that is known."}
      </p>
      {time ? (
        <p>
          {found && "No time was understood; something began then. "}
          From <Moment at={time.from} /> to <Moment at={time.to} />.
        </p>
      ) : (
        <p>No time was understood, and nothing was seen to begin in the last hour: about the last minutes.</p>
      )}
      {misread.length > 0 && <p className="problem">Not understood as a time: {misread.join(", ")}.</p>}
      {unknown.length > 0 && <p className="problem">Not seen here lately: {unknown.join(", ")}.</p>}
    </div>
  );
}
