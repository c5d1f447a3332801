import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Failure, Loading } from "../components/Notice";
import { putSettings, type Settings, settingsQuery } from "../services/admin";

/** How long telemetry is kept. */
export function RetentionPanel({ admin }: { admin: boolean }) {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  return <Retention settings={data} admin={admin} />;
}

function Retention({ settings, admin }: { settings: Settings; admin: boolean }) {
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationFn: (days: number) => putSettings({ retention_days: days }),
    onSuccess: (saved) => queryClient.setQueryData(settingsQuery.queryKey, saved),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    save.mutate(Number(new FormData(event.currentTarget).get("days")));
  };
  return (
    <section className="panel">
      <h2>Retention</h2>
      <form className="inline" onSubmit={submit}>
        <label htmlFor="days">Keep telemetry for</label>
        <input
          id="days"
          name="days"
          type="number"
          min={1}
          max={3650}
          required
          key={settings.retention_days}
          defaultValue={settings.retention_days}
          disabled={!admin}
        />
        <span>days</span>
        {admin && (
          <button type="submit" className="button" disabled={save.isPending}>
            Save
          </button>
        )}
        <span role="status">{save.isSuccess ? "Saved." : ""}</span>
      </form>
      {save.error && (
        <p className="problem" role="alert">
          {save.error.message}
        </p>
      )}
      <p className="muted">Spans, metrics, logs and events older than this are deleted.</p>
    </section>
  );
}
