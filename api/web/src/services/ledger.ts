import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { request, withQuery } from "./http";
import { list, maybeTime, time } from "./wire";

const count = z
  .number()
  .nullish()
  .transform((n) => n ?? 0);

export const usage = z.object({ input: count, output: count, cache_read: count, cache_write: count });
export type Usage = z.output<typeof usage>;

export const redactions = z
  .record(z.string(), z.number())
  .nullish()
  .transform((map) => map ?? {});

export const callStates = ["begun", "answered", "failed", "closed"] as const;
export type CallState = (typeof callStates)[number];

const entry = z.object({
  id: z.string(),
  call: z.object({ investigation: z.string(), turn: z.number(), ask: z.number() }),
  attempt: z.number(),
  environment: z.string(),
  provider: z.string(),
  kind: z.string(),
  account: z.string(),
  model: z.string(),
  state: z.enum(callStates),
  begun_at: time,
  ended_at: maybeTime,
  request: z.unknown().optional(),
  response: z.unknown().optional(),
  usage,
  cost: z.number(),
  data_types: list(z.string()),
  redactions,
  error: z.string().optional(),
});
/** One attempt of a call to a model; request and response only when it was asked for alone. */
export type LedgerEntry = z.output<typeof entry>;

const day = z.object({ day: z.string(), calls: z.number(), usage, cost: z.number() });
export type LedgerDay = z.output<typeof day>;

const page = z.object({ entries: list(entry), next: z.string().optional(), days: list(day) });
export type LedgerPage = z.output<typeof page>;

export interface LedgerFilter {
  investigation?: string | undefined;
  provider?: string | undefined;
  state?: string | undefined;
}

export function ledgerQuery(filter: LedgerFilter) {
  return infiniteQueryOptions({
    queryKey: ["ledger", filter],
    queryFn: ({ signal, pageParam }) =>
      request(page, withQuery("/api/v1/ledger", { ...filter, cursor: pageParam, limit: 100 }), { signal }),
    initialPageParam: "",
    getNextPageParam: (last) => last.next,
  });
}

export function ledgerEntryQuery(id: string) {
  return queryOptions({
    queryKey: ["ledger-entry", id],
    queryFn: ({ signal }) => request(entry, `/api/v1/ledger/${encodeURIComponent(id)}`, { signal }),
    refetchInterval: ({ state }) => (state.data?.state === "begun" ? 5_000 : false),
    staleTime: 60_000, // each reading is audited
  });
}
