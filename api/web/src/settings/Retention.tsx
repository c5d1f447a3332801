import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { FormEvent } from "react";
import { Failure, Loading } from "../components/Notice";
import { putSettings, type Settings, settingsQuery } from "../services/admin";

/** What is kept for how long, as an admin changes it. */
const kept: { name: keyof Settings; label: string; what: string }[] = [
  { name: "retention_days", label: "Telemetry", what: "spans, metrics, logs and events" },
  { name: "ledger_days", label: "Model calls", what: "what was sent to models and received" },
  {
    name: "investigation_days",
    label: "Investigations",
    what: "with evidence, reports, questions, fixes and what pseudonyms stand for; counted from their end, and never shorter than model calls",
  },
];

/** How long things are kept. */
export function RetentionPanel({ admin }: { admin: boolean }) {
  const { data, error, refetch } = useQuery(settingsQuery);
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  return <Retention settings={data} admin={admin} />;
}

function Retention({ settings, admin }: { settings: Settings; admin: boolean }) {
  const queryClient = useQueryClient();
  const save = useMutation({
    mutationFn: putSettings,
    onSuccess: (saved) => queryClient.setQueryData(settingsQuery.queryKey, saved),
  });
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const days = (name: keyof Settings) => Number(form.get(name));
    save.mutate({
      retention_days: days("retention_days"),
      ledger_days: days("ledger_days"),
      investigation_days: days("investigation_days"),
    });
  };
  return (
    <section className="panel">
      <h2>Retention</h2>
      <form onSubmit={submit}>
        {kept.map(({ name, label, what }) => (
          <p key={name}>
            <span className="inline">
              <label htmlFor={name}>{label}</label>
              <input
                id={name}
                name={name}
                type="number"
                min={1}
                max={3650}
                required
                key={settings[name]}
                defaultValue={settings[name]}
                disabled={!admin}
                aria-describedby={`${name}-what`}
              />
              <span>days</span>
            </span>
            <span id={`${name}-what`} className="muted">
              {what}
            </span>
          </p>
        ))}
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
      <p className="muted">What is older is deleted within an hour. The audit log stays.</p>
    </section>
  );
}
