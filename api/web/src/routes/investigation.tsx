import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createRoute } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Failure, Loading, Notice } from "../components/Notice";
import { InvestigationView } from "../investigation/InvestigationView";
import { ApiError } from "../services/http";
import { investigationQuery, watchInvestigation } from "../services/investigations";
import { workflowPage } from "../services/session";
import { appRoute } from "./app";

export const investigationRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/investigations/$id",
  component: function InvestigationPage() {
    const { id } = investigationRoute.useParams();
    return <Investigation key={id} id={id} />;
  },
});

function Investigation({ id }: { id: string }) {
  const { who } = investigationRoute.useRouteContext();
  const { data, error, refetch, failureCount } = useQuery(investigationQuery(id));
  const live = useLive(id, data !== undefined);
  if (data) {
    return <InvestigationView investigation={data} who={who} live={live} history={workflowPage(who, data.workflow)} />;
  }
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Notice title="There is no such investigation">
        <p>It may not have begun: when many incidents come at once, their investigations wait in line.</p>
        <button type="button" className="button" onClick={() => void refetch()}>
          Look again
        </button>
      </Notice>
    );
  }
  if (error) return <Failure error={error} retry={() => void refetch()} />;
  return failureCount > 0 ? (
    <Notice title="Looking for the investigation…">
      <p>There is none of this name yet. If it was asked for just now, it is about to begin.</p>
    </Notice>
  ) : (
    <Loading />
  );
}

/** Keeps the investigation in the cache current while the page is open; tells whether it is connected. */
function useLive(id: string, exists: boolean): boolean {
  const queryClient = useQueryClient();
  const [connected, setConnected] = useState(false);
  useEffect(() => {
    if (!exists) return;
    const key = investigationQuery(id).queryKey;
    return watchInvestigation(id, (state) => queryClient.setQueryData(key, state), setConnected);
  }, [id, exists, queryClient]);
  return connected;
}
