import type { ReactNode } from "react";
import type { z } from "zod";
import type { Evidence } from "../services/investigations";
import * as results from "../services/results";
import { ChangesView } from "./ChangesView";
import { ComparisonView } from "./ComparisonView";
import { EdgesView, HealthView, ServicesView } from "./HealthView";
import { LogsView } from "./LogsView";
import { PlainView } from "./PlainView";
import { HostsView, ProcessesView } from "./ResourcesView";
import { SpansView } from "./SpansView";
import { StatementsView } from "./StatementsView";
import { listsOf } from "./plain.model";

/** A piece of evidence as chart or table; what no view knows as plain tables or, without a list, as it came. */
export function ResultView({ evidence }: { evidence: Evidence }) {
  if (evidence.error) return <p className="problem">{evidence.error}</p>;
  return (
    draw(evidence) ?? (
      <pre className="code tall" tabIndex={0} aria-label="Result">
        {JSON.stringify(evidence.result, null, 2)}
      </pre>
    )
  );
}

function draw(evidence: Evidence): ReactNode {
  return known(evidence) ?? plain(evidence.result);
}

function plain(result: unknown): ReactNode {
  if (typeof result !== "object" || result === null || listsOf(result).length === 0) return undefined;
  return <PlainView result={result} />;
}

function known(evidence: Evidence): ReactNode {
  switch (evidence.tool) {
    case "compare_windows":
      return view(results.comparison, evidence, (r) => <ComparisonView comparison={r} />);
    case "recent_changes":
      return view(results.changes, evidence, (r) => <ChangesView changes={r} />);
    case "service_edges":
      return view(results.edges, evidence, (r) => <EdgesView edges={r.edges} />);
    case "list_services":
      return view(results.services, evidence, (r) => <ServicesView services={r.services} />);
    case "service_health":
      return view(results.health, evidence, (r) => <HealthView health={r} window={evidence.window} />);
    case "host_resources":
      return view(results.hostResources, evidence, (r) => <HostsView resources={r} />);
    case "process_resources":
      return view(results.processResources, evidence, (r) => <ProcessesView {...r} />);
    case "search_logs":
      return view(results.logs, evidence, (r) => <LogsView logs={r} />);
    case "failing_spans":
    case "slow_spans":
      return view(results.spanGroups, evidence, (r) => <SpansView groups={r.groups} />);
    case "statements":
      return view(results.statements, evidence, (r) => <StatementsView statements={r.statements} />);
    default:
      return undefined;
  }
}

function view<S extends z.ZodType>(schema: S, evidence: Evidence, draw: (result: z.output<S>) => ReactNode): ReactNode {
  const parsed = schema.safeParse(evidence.result);
  return parsed.success ? draw(parsed.data) : undefined;
}
