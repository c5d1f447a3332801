import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Badge } from "../components/Badge";
import { Failure, Loading } from "../components/Notice";
import { sentence } from "../model/format";
import { putSettings, type Settings, settingsQuery } from "../services/admin";

/** The AI switch and retention. */
export function Policy({ admin }: { admin: boolean }) {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  return (
    <>
      <section className="panel">
        <div className="panel-head">
          <h2>AI</h2>
          <Badge tone={data.ai_enabled ? "busy" : "plain"}>{data.ai_enabled ? "on" : "off"}</Badge>
        </div>
        <label className="switch">
          <input type="checkbox" role="switch" checked={data.ai_enabled} disabled readOnly aria-describedby="ai-why" />
          Let a language model reason about investigations
        </label>
        <p id="ai-why" className="muted">
          {sentence(data.ai_unavailable || "it needs a configured provider")}
        </p>
      </section>
      <Retention settings={data} admin={admin} />
    </>
  );
}

function Retention({ settings, admin }: { settings: Settings; admin: boolean }) {
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationFn: (days: number) => putSettings({ ai_enabled: settings.ai_enabled, retention_days: days }),
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
