import { z } from "zod";
import { list, time, window } from "./wire";

// The structured results of the tools, internal/tools/result. Durations are milliseconds (_ms), rates per second
// (_per_s), memory bytes, shares 0..1.

const measureFields = {
  requests: z.number(),
  rate_per_s: z.number(),
  errors: z.number(),
  error_ratio: z.number(),
  mean_ms: z.number(),
  p50_ms: z.number(),
  p95_ms: z.number(),
  p99_ms: z.number(),
};
export const measure = z.object(measureFields);
export type Measure = z.output<typeof measure>;

export const point = measure.extend({ time });
export type Point = z.output<typeof point>;

export const operation = measure.extend({ operation: z.string() });
export type Operation = z.output<typeof operation>;

export const edge = measure.extend({
  from: z.string(),
  to: z.string(),
  address: z.string(),
  protocol: z.string(),
});
export type Edge = z.output<typeof edge>;

export const service = measure.extend({
  service: z.string(),
  calls: z.number(),
  protocols: list(z.string()),
  versions: list(z.string()),
  instances: list(z.string()),
  hosts: list(z.string()),
  last_seen: time,
});
export type Service = z.output<typeof service>;

const deployment = z.object({
  time,
  service: z.string(),
  kind: z.string(),
  before: z.string(),
  after: z.string(),
  detail: z.string(),
  file: z.string(),
  actor: z.string().optional(),
  object: z.string().optional(),
});
export type Deployment = z.output<typeof deployment>;

const lifecycle = z.object({
  time,
  service: z.string(),
  instance: z.string(),
  pid: z.string(),
  executable: z.string(),
  exit_code: z.string().optional(),
  signal: z.string().optional(),
  detail: z.string(),
});
export type Lifecycle = z.output<typeof lifecycle>;

export const changes = z.object({
  deployments: list(deployment),
  starts: list(lifecycle),
  exits: list(lifecycle),
  oom_kills: list(lifecycle),
  /** Absent in evidence of earlier versions. */
  cluster_changes: list(deployment).default([]),
});
export type Changes = z.output<typeof changes>;

export const pair = z.object({ fault: z.number(), healthy: z.number() });
export type Pair = z.output<typeof pair>;

const changeFields = {
  fault: measure,
  healthy: measure,
  rate_ratio: z.number(),
  p50_ratio: z.number(),
  p95_ratio: z.number(),
  failing: z.boolean(),
  slow: z.boolean(),
  quiet: z.boolean(),
  busy: z.boolean(),
  healed: z.boolean(),
  new: z.boolean(),
};
const change = z.object(changeFields);
export type Change = z.output<typeof change>;

export const comparison = z.object({
  fault_window: window,
  healthy_window: window,
  services: list(change.extend({ service: z.string(), self_ms: pair, call_errors: pair })),
  operations: list(change.extend({ service: z.string(), operation: z.string() })),
  edges: list(change.extend({ from: z.string(), to: z.string(), address: z.string(), protocol: z.string() })),
});
export type Comparison = z.output<typeof comparison>;

export const services = z.object({ services: list(service) });

export const health = z.object({
  service: z.string(),
  step_s: z.number(),
  points: list(point),
  operations: list(operation),
});
export type Health = z.output<typeof health>;

export const edges = z.object({
  edges: list(edge),
  endpoints: list(z.object({ service: z.string(), address: z.string() })),
});

const process = z.object({
  service: z.string(),
  instance: z.string(),
  pid: z.string(),
  executable: z.string(),
  cpu: pair,
  run_delay: pair,
  memory_bytes: pair,
  memory_max_bytes: z.number(),
  limit_bytes: z.number(),
  growth_bytes_per_s: z.number(),
  open_files: pair,
  threads: pair,
});
export type Process = z.output<typeof process>;

const connection = z.object({
  service: z.string(),
  peer: z.string(),
  address: z.string(),
  mean: pair,
  max: pair,
  failures: z.number(),
});
export type Connection = z.output<typeof connection>;

export const processResources = z.object({ processes: list(process), connections: list(connection) });

const host = z.object({
  host: z.string(),
  cpu_busy: pair,
  cpu_pressure: pair,
  memory_pressure: pair,
  io_pressure: pair,
  memory_used_bytes: pair,
  disk_full: pair,
});
export type Host = z.output<typeof host>;
const usage = z.object({ service: z.string(), cpu: pair, run_delay: pair, memory_bytes: pair });

export const hostResources = z.object({ hosts: list(host), services: list(usage), processes: list(process) });
export type HostResources = z.output<typeof hostResources>;

export const logs = z.object({
  matched: z.number(),
  patterns: list(
    z.object({
      service: z.string(),
      severity: z.string(),
      pattern: z.string(),
      count: z.number(),
      baseline: z.number(),
      new: z.boolean(),
      first: time,
      sample: z.string(),
    }),
  ),
  lines: list(z.object({ time, service: z.string(), severity: z.string(), body: z.string() })),
});
export type Logs = z.output<typeof logs>;

export const spanGroups = z.object({
  threshold_ms: z.number().optional(),
  groups: list(
    z.object({
      service: z.string(),
      side: z.string(),
      peer: z.string(),
      operation: z.string(),
      error_type: z.string(),
      code: z.string(),
      message: z.string(),
      count: z.number(),
      baseline: z.number(),
      p50_ms: z.number(),
      max_ms: z.number(),
      first: time,
      last: time,
    }),
  ),
});
export type SpanGroups = z.output<typeof spanGroups>;

export const statements = z.object({
  statements: list(
    change.extend({
      database: z.string(),
      side: z.string(),
      system: z.string(),
      collection: z.string(),
      operation: z.string(),
      query: z.string(),
      time_per_s: pair,
      codes: list(z.object({ code: z.string(), count: z.number() })),
      callers: list(z.string()),
    }),
  ),
});
export type Statements = z.output<typeof statements>;
