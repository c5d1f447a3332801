import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Copy } from "../components/Copy";
import { Facts } from "../components/Facts";
import { Failure, Loading } from "../components/Notice";
import { ClockTime } from "../components/Times";
import { ResultView } from "../evidence/ResultView";
import { exact, exactJSON } from "../model/exact";
import { type Evidence, evidenceQuery, type ToolCall } from "../services/investigations";
import { useOpening } from "./opening";

interface Props {
  call: ToolCall;
  evidence: Evidence;
  investigation: string;
}

/** One tool call and what it found. Its full result is read when it is opened. */
export function EvidenceCard({ call, evidence, investigation }: Props) {
  const { isOpen, toggle } = useOpening();
  const open = isOpen(evidence.id);
  const body = `${evidence.id}-body`;
  return (
    <div className="evidence" id={evidence.id}>
      <button
        type="button"
        className="evidence-head"
        aria-expanded={open}
        aria-controls={body}
        onClick={() => toggle(evidence.id)}
      >
        <span className="evidence-id">{evidence.id}</span>
        <span className="tool">{evidence.tool}</span>
        <span className="why">{call.why}</span>
        <span className={evidence.error ? "finding bad" : "finding"}>{evidence.error || evidence.summary}</span>
      </button>
      {open && (
        <div id={body} className="evidence-body">
          <Opened evidence={evidence} investigation={investigation} />
        </div>
      )}
    </div>
  );
}

type Tab = "result" | "query" | "raw";
const tabs: [Tab, string][] = [
  ["result", "Result"],
  ["query", "Query"],
  ["raw", "Raw result"],
];

function Opened({ evidence, investigation }: { evidence: Evidence; investigation: string }) {
  const [tab, setTab] = useState<Tab>("result");
  const { data, error, refetch } = useQuery(evidenceQuery(investigation, evidence.id));
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  return (
    <>
      <div className="tabs" role="group" aria-label="Show">
        {tabs.map(([name, label]) => (
          <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
            {label}
          </button>
        ))}
      </div>
      {tab === "result" && <ResultView evidence={data} />}
      {tab === "query" && <QueryView evidence={data} />}
      {tab === "raw" && (
        <pre className="code tall" tabIndex={0} aria-label="Raw result">
          {exactJSON(data.result)}
        </pre>
      )}
    </>
  );
}

function QueryView({ evidence }: { evidence: Evidence }) {
  return (
    <>
      <pre className="code tall" tabIndex={0} aria-label="Query">
        {exact(evidence.query)}
      </pre>
      <Copy text={evidence.query} label="Copy query" />
      <Facts
        facts={[
          ["Arguments", <code>{exact(JSON.stringify(evidence.arguments) ?? "")}</code>],
          [
            "Window",
            <>
              <ClockTime at={evidence.window.from} /> – <ClockTime at={evidence.window.to} />
            </>,
          ],
          ["Reveals", evidence.data_types.join(", ")],
          ["Digest", <code className="digest">{evidence.digest}</code>],
        ]}
      />
    </>
  );
}
