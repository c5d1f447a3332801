import { useQuery } from "@tanstack/react-query";
import { createRoute, Link } from "@tanstack/react-router";
import { AIView } from "../ai/AIView";
import { Failure, Loading } from "../components/Notice";
import { aiQuery, providersQuery } from "../services/ai";
import { allows } from "../services/session";
import { appRoute } from "./app";

export const aiRoute = createRoute({ getParentRoute: () => appRoute, path: "/settings/ai", component: AIPage });

function AIPage() {
  const { who } = aiRoute.useRouteContext();
  const ai = useQuery(aiQuery(who.environment));
  const providers = useQuery(providersQuery);
  const failed = ai.error ?? providers.error;
  return (
    <>
      <p className="crumbs">
        <Link to="/settings">Settings</Link>
      </p>
      <div className="head">
        <h1>AI</h1>
      </div>
      {ai.data && providers.data ? (
        <AIView ai={ai.data} providers={providers.data} admin={allows(who.role, "admin")} />
      ) : failed ? (
        <Failure error={failed} retry={() => void Promise.all([ai.refetch(), providers.refetch()])} />
      ) : (
        <Loading />
      )}
    </>
  );
}
