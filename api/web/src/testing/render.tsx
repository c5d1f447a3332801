import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { createMemoryHistory, createRootRoute, createRouter, RouterProvider } from "@tanstack/react-router";
import { render } from "@testing-library/react";
import type { ReactNode } from "react";
import { type Clock, ClockContext } from "../model/now";
import { now } from "./factories";

const stopped: Clock = { now: () => now, subscribe: () => () => {} };

/** Draws a component with a router, a query client and a clock that stands still. */
export async function draw(component: ReactNode): Promise<HTMLElement> {
  const router = createRouter({
    routeTree: createRootRoute({ component: () => component }),
    history: createMemoryHistory(),
  });
  await router.load();
  const { container } = render(
    <ClockContext value={stopped}>
      <QueryClientProvider client={new QueryClient()}>
        <RouterProvider router={router as never} />
      </QueryClientProvider>
    </ClockContext>,
  );
  return container;
}
