import { useState } from "react";
import type { AI, Provider } from "../services/ai";
import { EnableDialog } from "./EnableDialog";
import { Problem, useChange } from "./change";

/** The switch. Off takes effect at once; on asks first. */
export function Switch({ ai, providers, admin }: { ai: AI; providers: Provider[]; admin: boolean }) {
  const change = useChange(ai.environment);
  const [asking, setAsking] = useState(false);
  const listed = ai.providers.length > 0;
  const off = !ai.enabled && change.isSuccess && !change.data.enabled && change.variables.enabled === false;
  return (
    <>
      <label className="switch">
        <input
          type="checkbox"
          role="switch"
          checked={ai.enabled}
          disabled={!admin || change.isPending || (!ai.enabled && !listed)}
          aria-describedby="ai-switch-note"
          onChange={() => (ai.enabled ? change.mutate({ enabled: false }) : setAsking(true))}
        />
        Let a model decide the investigations in {ai.environment}
      </label>
      <p id="ai-switch-note" className="muted" role="status">
        {off ? "Off. Calls under way are being closed." : note(ai, admin, listed)}
      </p>
      <Problem error={change.error} />
      {asking && <EnableDialog ai={ai} providers={providers} onClose={() => setAsking(false)} />}
    </>
  );
}

function note(ai: AI, admin: boolean, listed: boolean): string {
  if (!admin) return "Only an admin switches this.";
  if (ai.enabled) return "Switching it off works within a second, for running investigations too.";
  return listed ? "You will be asked to confirm what leaves and under which terms." : "List a provider first.";
}
