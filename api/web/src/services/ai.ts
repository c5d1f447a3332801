import { queryOptions } from "@tanstack/react-query";
import { z } from "zod";
import { request } from "./http";
import { list, maybeTime } from "./wire";

const listed = z.object({
  name: z.string(),
  asked: z.boolean(),
  why: z.string().optional(),
  confirmed_by: z.string().optional(),
  confirmed_at: maybeTime,
});
export type ListedProvider = z.output<typeof listed>;

const kind = z.object({ name: z.string(), includes: z.string(), tools: list(z.string()) });
export type DataKind = z.output<typeof kind>;

const ai = z.object({
  environment: z.string(),
  enabled: z.boolean(),
  active: z.boolean(),
  inactive: z.string().optional(),
  providers: list(listed),
  data_types: list(z.string()),
  kinds: list(kind),
  updated_by: z.string().optional(),
  updated_at: maybeTime,
});
/** What an admin decided about models for an environment, and what follows from it. */
export type AI = z.output<typeof ai>;

const provider = z.object({
  name: z.string(),
  kind: z.string(),
  account: z.string(),
  environment: z.string().optional(),
  model: z.string(),
  address: z.string(),
  terms: z.string(),
  price: z.object({ input: z.number(), output: z.number() }),
  unusable: z.string().optional(),
});
export type Provider = z.output<typeof provider>;

const path = (environment: string) => `/api/v1/environments/${encodeURIComponent(environment)}/ai`;

export function aiQuery(environment: string) {
  return queryOptions({
    queryKey: ["ai", environment],
    queryFn: ({ signal }) => request(ai, path(environment), { signal }),
    refetchInterval: 10_000, // somebody else may switch it
  });
}

export const providersQuery = queryOptions({
  queryKey: ["ai-providers"],
  queryFn: ({ signal }) => request(z.object({ providers: list(provider) }), "/api/v1/ai/providers", { signal }),
  select: (answer) => answer.providers,
});

/** What is left out stays as it is. */
export interface AIChange {
  enabled?: boolean;
  providers?: string[];
  data_types?: string[];
  confirm?: { provider: string; terms: string }[];
}

export function putAI(environment: string, change: AIChange): Promise<AI> {
  return request(ai, path(environment), { method: "PUT", body: change });
}
