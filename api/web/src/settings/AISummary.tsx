import { Link } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { Badge } from "../components/Badge";
import { Failure, Loading } from "../components/Notice";
import { aiQuery } from "../services/ai";

/** Whether a model decides, and the way to the page where an admin says so. */
export function AISummary({ environment, admin }: { environment: string; admin: boolean }) {
  const { data, error, refetch } = useQuery(aiQuery(environment));
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  if (!data) return <Loading rows={3} />;
  const first = data.providers.find((p) => p.asked);
  return (
    <section className="panel">
      <div className="panel-head">
        <h2>AI</h2>
        <Badge tone={data.active ? "busy" : "plain"}>{data.active ? "on" : "off"}</Badge>
      </div>
      <p>
        {data.active
          ? `A model decides investigations, asked at ${first?.name ?? "a provider"}. It may see: ${data.data_types.join(", ") || "nothing"}.`
          : "Nothing leaves for a model. The built-in analyst does the investigations."}
      </p>
      <p>
        <Link to="/settings/ai">{admin ? "Switch, providers and data" : "Providers and data"}</Link>
        {admin && (
          <>
            {" · "}
            <Link to="/settings/ledger">Ledger of every call</Link>
          </>
        )}
      </p>
    </section>
  );
}
