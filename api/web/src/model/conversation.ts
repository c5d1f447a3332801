import { z } from "zod";
import { list } from "../services/wire";
import { exact, exactJSON } from "./exact";

/** A piece of what was sent or received, as a person reads it. */
export interface Piece {
  title: string;
  text: string;
}

const part = z.object({
  text: z.string().optional(),
  tool_use: z.object({ name: z.string(), arguments: z.unknown() }).optional(),
  tool_result: z.object({ text: z.string(), error: z.boolean().optional() }).optional(),
});
const message = z.object({ role: z.string(), parts: list(part) });
type Message = z.output<typeof message>;

const sent = z.object({
  system: z.string(),
  tools: list(z.object({ name: z.string(), description: z.string() })),
  messages: list(message),
});
const received = z.object({ message, stop: z.string() });

/** What was sent, in order: instructions, tools, messages. Undefined when it has another shape. */
export function readRequest(request: unknown): Piece[] | undefined {
  const parsed = sent.safeParse(request);
  if (!parsed.success) return undefined;
  const { system, tools, messages } = parsed.data;
  const offered = tools.map((t) => `${t.name}: ${t.description}`).join("\n");
  return [
    { title: "Instructions", text: exact(system) },
    ...(offered ? [{ title: "Tools it may ask for", text: exact(offered) }] : []),
    ...messages.flatMap(readMessage),
  ];
}

/** What was received. Undefined when it has another shape. */
export function readResponse(response: unknown): Piece[] | undefined {
  const parsed = received.safeParse(response);
  return parsed.success ? readMessage(parsed.data.message) : undefined;
}

function readMessage({ role, parts }: Message): Piece[] {
  const who = role === "assistant" ? "Model" : "Midwatch";
  return parts.map((p): Piece => {
    if (p.tool_use) {
      return { title: exact(`${who} asks for ${p.tool_use.name}`), text: exactJSON(p.tool_use.arguments) };
    }
    if (p.tool_result) {
      const title = p.tool_result.error ? "The tool could not answer" : "The tool answers";
      return { title, text: exact(p.tool_result.text) };
    }
    return { title: who, text: exact(p.text ?? "") };
  });
}
