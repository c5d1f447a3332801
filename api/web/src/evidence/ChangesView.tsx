import { Badge } from "../components/Badge";
import { Moment } from "../components/Times";
import type { Tone } from "../model/labels";
import type { Changes, Deployment, Lifecycle } from "../services/results";
import { ServiceLink } from "./measures";

interface Entry {
  at: Date;
  what: string;
  tone: Tone;
  service: string;
  text: string;
  diff?: string;
}

/** Deployments, changes of the cluster, kills, starts and exits in one list, newest first. */
export function ChangesView({ changes }: { changes: Changes }) {
  const entries = timeline(changes);
  if (entries.length === 0) return <p className="muted">Nothing changed in this time.</p>;
  return (
    <ol className="changes">
      {entries.map((e, i) => (
        <li key={i}>
          <Moment at={e.at} />
          <Badge tone={e.tone}>{e.what}</Badge>
          <div>
            <ServiceLink name={e.service} /> <span>{e.text}</span>
            {e.diff && <Diff text={e.diff} />}
          </div>
        </li>
      ))}
    </ol>
  );
}

/** Merges the lists of changes, newest first. */
export function timeline(c: Changes): Entry[] {
  return [
    ...c.deployments.map((d) => deployed(d, "deployment")),
    ...c.cluster_changes.map((d) => deployed(d, "cluster")),
    ...c.oom_kills.map((l) => lived(l, "out of memory", "bad")),
    ...c.exits.map((l) => lived(l, "exit", failed(l) ? "bad" : "plain")),
    ...c.starts.map((l) => lived(l, "start", "plain")),
  ].toSorted((a, b) => b.at.getTime() - a.at.getTime());
}

function deployed(d: Deployment, what: string): Entry {
  return { at: d.time, what, tone: "warn", service: d.service, text: changed(d), diff: d.detail };
}

/** What a change was, in one line. */
export function changed(d: Deployment): string {
  const of = d.object ? ` of ${d.object}` : d.file ? ` of ${d.file}` : "";
  const versions = d.before || d.after ? `: ${short(d.before) || "nothing"} → ${short(d.after) || "nothing"}` : "";
  const actor = d.actor ? `, by ${d.actor}` : "";
  return `new ${d.kind}${of}${versions}${actor}`;
}

function lived(l: Lifecycle, what: string, tone: Tone): Entry {
  const ending = l.signal ? `, signal ${l.signal}` : l.exit_code ? `, exit code ${l.exit_code}` : "";
  return { at: l.time, what, tone, service: l.service, text: `${l.executable} (pid ${l.pid})${ending}` };
}

function failed(l: Lifecycle): boolean {
  return Boolean(l.signal) || (l.exit_code !== undefined && l.exit_code !== "0");
}

/** Digests are long; twelve characters tell them apart. A long value is cut. */
function short(version: string): string {
  if (/^[0-9a-f]{16,}$/.test(version)) return version.slice(0, 12);
  return version.length > 80 ? `${version.slice(0, 79)}…` : version;
}

/** A unified diff, line by line. */
export function Diff({ text }: { text: string }) {
  return (
    <pre className="diff" tabIndex={0} aria-label="Difference">
      {text
        .trimEnd()
        .split("\n")
        .map((line, i) => (
          <span key={i} className={diffClass(line)}>
            {line + "\n"}
          </span>
        ))}
    </pre>
  );
}

function diffClass(line: string): string | undefined {
  if (line.startsWith("+++") || line.startsWith("---") || line.startsWith("@@")) return "muted";
  return line.startsWith("+") ? "added" : line.startsWith("-") ? "removed" : undefined;
}
