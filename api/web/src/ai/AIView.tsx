import { Link } from "@tanstack/react-router";
import { Badge } from "../components/Badge";
import { Moment } from "../components/Times";
import type { AI, Provider } from "../services/ai";
import { DataTypes } from "./DataTypes";
import { Providers } from "./Providers";
import { Switch } from "./Switch";
import { Words } from "./Words";

interface Props {
  ai: AI;
  providers: Provider[];
  admin: boolean;
}

/** What models may do and see in an environment, in words and switches. */
export function AIView({ ai, providers, admin }: Props) {
  return (
    <>
      <section className="panel ai-state" aria-label="What is on">
        <div className="panel-head">
          <h2>{ai.environment}</h2>
          <Badge tone={ai.active ? "busy" : ai.enabled ? "warn" : "plain"}>
            {ai.active ? "on" : ai.enabled ? "on, but nobody is asked" : "off"}
          </Badge>
        </div>
        <Words ai={ai} providers={providers} />
        <Switch ai={ai} providers={providers} admin={admin} />
        {ai.updated_by && ai.updated_at && (
          <p className="muted">
            Last changed by {ai.updated_by}, <Moment at={ai.updated_at} />.{" "}
            {admin && "The audit log keeps every change."}
          </p>
        )}
      </section>
      <div className="halves">
        <Providers ai={ai} providers={providers} admin={admin} />
        <DataTypes ai={ai} admin={admin} />
      </div>
      <section className="panel">
        <h2>What was sent</h2>
        {admin ? (
          <p className="prose">
            The <Link to="/settings/ledger">ledger</Link> keeps every call, word for word, with its cost. Reading a call
            is audited.
          </p>
        ) : (
          <p className="muted">The ledger keeps every call, word for word, for admins.</p>
        )}
      </section>
    </>
  );
}
