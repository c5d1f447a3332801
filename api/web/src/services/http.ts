import { z } from "zod";

const problem = z.object({
  title: z.string().optional(),
  detail: z.string().optional(),
  errors: z.array(z.object({ message: z.string().optional(), location: z.string().optional() })).nullish(),
});

/** What the api answered instead of what was asked for. `status` is 0 when it could not be reached at all. */
export class ApiError extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = "ApiError";
    this.status = status;
  }
}

/** Asks the api and checks that the answer has the shape `schema`. */
export async function request<S extends z.ZodType>(
  schema: S,
  path: string,
  options: { method?: string; body?: unknown; signal?: AbortSignal } = {},
): Promise<z.output<S>> {
  const response = await send(path, options);
  if (!response.ok) throw await refusal(response);
  const parsed = schema.safeParse(response.status === 204 ? undefined : await response.json());
  if (parsed.success) return parsed.data;
  throw new ApiError(response.status, `${path} has an unexpected shape: ${z.prettifyError(parsed.error)}`);
}

async function send(
  path: string,
  { method = "GET", body, signal }: { method?: string; body?: unknown; signal?: AbortSignal },
): Promise<Response> {
  try {
    return await fetch(path, {
      method,
      credentials: "same-origin",
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Midwatch does not answer. Is it running?");
  }
}

async function refusal(response: Response): Promise<ApiError> {
  const parsed = problem.safeParse(await response.json().catch(() => undefined));
  const said = parsed.success ? parsed.data : {};
  const fields = (said.errors ?? []).map((e) => [e.location, e.message].filter(Boolean).join(": "));
  const text = [said.detail, ...fields].filter(Boolean).join("; ");
  return new ApiError(response.status, text || said.title || `HTTP ${response.status}`);
}

/** Builds `path?name=value` from the values that are there. */
export function withQuery(path: string, values: Record<string, string | number | undefined>): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined && value !== "") query.set(name, String(value));
  }
  return query.size > 0 ? `${path}?${query}` : path;
}
