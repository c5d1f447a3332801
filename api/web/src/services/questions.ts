import { z } from "zod";
import { request } from "./http";

const path = (investigation: string) => `/api/v1/investigations/${encodeURIComponent(investigation)}/questions`;

/** Asks a follow-up question. The same `requestID` again asks nothing twice; the answer comes with the investigation's next state. */
export async function askQuestion(investigation: string, text: string, requestID: string): Promise<void> {
  await request(z.unknown(), path(investigation), { method: "POST", body: { text, request: requestID } });
}

/** Ends the search for an answer. */
export async function cancelQuestion(investigation: string, question: string): Promise<void> {
  await request(z.unknown(), `${path(investigation)}/${encodeURIComponent(question)}/cancel`, { method: "POST" });
}
