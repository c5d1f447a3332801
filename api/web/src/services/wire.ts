import { z } from "zod";

/** A time as the api writes it, RFC 3339 in UTC. */
export const time = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

/** A time that may be absent; Go's zero time counts as absent. */
export const maybeTime = z
  .string()
  .optional()
  .transform((text) => (!text || text.startsWith("0001-") ? undefined : new Date(text)));

/** A list that is never missing: Go writes an empty slice as null. */
export function list<T extends z.ZodType>(item: T) {
  return z
    .array(item)
    .nullish()
    .transform((items) => items ?? []);
}

/** A map of strings that is never missing. */
export const strings = z
  .record(z.string(), z.string())
  .nullish()
  .transform((map) => map ?? {});

export const window = z.object({ from: time, to: time });
export type Window = z.output<typeof window>;
