import type { ReactNode } from "react";
import { ApiError } from "../services/http";

/** What stands where there is nothing to show: what it is, and what to do about it. */
export function Notice({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="notice">
      <p className="notice-title">{title}</p>
      {children && <div className="notice-text">{children}</div>}
    </div>
  );
}

/** An error in words that help. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  const status = error instanceof ApiError ? error.status : undefined;
  return (
    <div role="alert">
      <Notice title={titles[status ?? -1] ?? "Something went wrong"}>
        <p>{error.message}</p>
        {retry && status !== 403 && (
          <button type="button" className="button" onClick={retry}>
            Try again
          </button>
        )}
      </Notice>
    </div>
  );
}

const titles: Record<number, string> = {
  0: "No connection",
  403: "Your role does not allow this",
  404: "There is no such thing here",
  503: "Midwatch is busy",
};

/** Grey bars while something loads. */
export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div className="loading" role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="loading-row" />
      ))}
    </div>
  );
}
