import { createRoute, redirect, retainSearchParams } from "@tanstack/react-router";
import { Shell } from "../components/Shell";
import { rangeSearch } from "../model/range";
import { ApiError } from "../services/http";
import { whoamiQuery } from "../services/session";
import { rootRoute } from "./root";

/** Everything behind the sign-in. The time range is part of every URL here. */
export const appRoute = createRoute({
  getParentRoute: () => rootRoute,
  id: "app",
  validateSearch: rangeSearch,
  search: { middlewares: [retainSearchParams(["range", "from", "to"])] },
  beforeLoad: async ({ context, location }) => {
    try {
      return { who: await context.queryClient.ensureQueryData(whoamiQuery) };
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 401)) throw error;
      throw redirect({ to: "/sign-in", search: { next: location.href } });
    }
  },
  component: function App() {
    return <Shell who={appRoute.useRouteContext().who} />;
  },
});

export const homeRoute = createRoute({
  getParentRoute: () => appRoute,
  path: "/",
  beforeLoad: () => {
    throw redirect({ to: "/services" });
  },
});
