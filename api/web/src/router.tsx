import { MutationCache, QueryCache, QueryClient } from "@tanstack/react-query";
import { createRouter } from "@tanstack/react-router";
import { aiRoute } from "./routes/ai";
import { appRoute, homeRoute } from "./routes/app";
import { incidentRoute, incidentsRoute } from "./routes/incidents";
import { investigationRoute } from "./routes/investigation";
import { ledgerEntryRoute, ledgerRoute } from "./routes/ledger";
import { rootRoute } from "./routes/root";
import { serviceRoute } from "./routes/service";
import { servicesRoute } from "./routes/services";
import { settingsRoute } from "./routes/settings";
import { signInRoute } from "./routes/signIn";
import { ApiError } from "./services/http";

/** A session that ended leads to the sign-in and back. */
function onError(error: Error): void {
  if (!(error instanceof ApiError && error.status === 401) || router.state.location.pathname === "/sign-in") return;
  const next = router.state.location.href;
  queryClient.removeQueries({ queryKey: ["whoami"] });
  void router.navigate({ to: "/sign-in", search: { next } });
}

export const queryClient = new QueryClient({
  queryCache: new QueryCache({ onError }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: { queries: { retry: (failures, error) => failures < 2 && transient(error), staleTime: 2_000 } },
});

/** Whether asking again could help. */
function transient(error: Error): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status >= 500);
}

const routeTree = rootRoute.addChildren([
  signInRoute,
  appRoute.addChildren([
    homeRoute,
    servicesRoute,
    serviceRoute,
    incidentsRoute,
    incidentRoute,
    investigationRoute,
    settingsRoute,
    aiRoute,
    ledgerRoute,
    ledgerEntryRoute,
  ]),
]);

export const router = createRouter({ routeTree, context: { queryClient }, scrollRestoration: true });

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
