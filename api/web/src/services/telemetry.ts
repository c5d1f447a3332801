import { keepPreviousData, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { type Range, rangeKey, resolveRange } from "../model/range";
import { request, withQuery } from "./http";
import { changes, edge, operation, point, service } from "./results";
import { list, window } from "./wire";

const serviceRow = service.extend({ series: list(point) });
export type ServiceRow = z.output<typeof serviceRow>;

const serviceList = z.object({ window, step_s: z.number(), services: list(serviceRow) });
export type ServiceList = z.output<typeof serviceList>;

const serviceDetail = z.object({
  window,
  service: z.string(),
  step_s: z.number(),
  points: list(point),
  operations: list(operation),
  edges: list(edge),
  changes,
});
export type ServiceDetail = z.output<typeof serviceDetail>;

/** How often pages of a range that ends now look again, milliseconds. */
const refresh = 10_000;

export function servicesQuery(range: Range) {
  return queryOptions({
    queryKey: ["services", rangeKey(range)],
    queryFn: ({ signal }) => request(serviceList, at("/api/v1/services", range), { signal }),
    refetchInterval: range.kind === "last" ? refresh : false,
    placeholderData: keepPreviousData,
  });
}

export function serviceQuery(name: string, range: Range) {
  return queryOptions<ServiceDetail>({
    queryKey: ["service", name, rangeKey(range)],
    queryFn: ({ signal }) =>
      request(serviceDetail, at(`/api/v1/services/${encodeURIComponent(name)}`, range), { signal }),
    refetchInterval: range.kind === "last" ? refresh : false,
    placeholderData: (before) => (before?.service === name ? before : undefined),
  });
}

function at(path: string, range: Range): string {
  const { from, to } = resolveRange(range, new Date());
  return withQuery(path, { from: from.toISOString(), to: to.toISOString() });
}
