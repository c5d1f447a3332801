import type { QueryClient } from "@tanstack/react-query";
import { createRootRouteWithContext, Link, Outlet } from "@tanstack/react-router";
import { Failure, Notice } from "../components/Notice";

export const rootRoute = createRootRouteWithContext<{ queryClient: QueryClient }>()({
  component: Outlet,
  notFoundComponent: () => (
    <main>
      <Notice title="There is no such page">
        <Link to="/services">Services</Link>
      </Notice>
    </main>
  ),
  errorComponent: ({ error, reset }) => (
    <main>
      <Failure error={error instanceof Error ? error : new Error(String(error))} retry={reset} />
    </main>
  ),
});
