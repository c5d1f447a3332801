import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, test, vi } from "vitest";
import type { Question } from "../services/investigations";
import { anInvestigation, aPerson, aQuestion, aTurn, before } from "../testing/factories";
import { draw } from "../testing/render";
import { Questions } from "./Questions";

afterEach(() => vi.unstubAllGlobals());

function show(questions: Question[], role: "viewer" | "operator" = "operator"): Promise<HTMLElement> {
  const call = { id: "t1001c1", tool: "search_logs", why: "What does cart say?" };
  const evidence = {
    id: "e7",
    call: call.id,
    tool: call.tool,
    window: { from: before(60), to: before(0) },
    query: "",
    summary: "nothing new",
    digest: "",
    data_types: [],
    at: before(1),
  };
  const asked = questions.map((q) => ({ ...q, turns: [aTurn({ number: 1001, calls: [call] })] }));
  const investigation = anInvestigation({ questions: asked, evidence: [evidence], status: "concluded" });
  return draw(<Questions investigation={investigation} who={aPerson(role)} />);
}

/** Answers every request and keeps what was sent. */
function server(status = 202, body: unknown = {}): { path: string; body: unknown }[] {
  const sent: { path: string; body: unknown }[] = [];
  vi.stubGlobal("fetch", async (path: string, { body: text }: { body: string | null }) => {
    sent.push({ path, body: text && JSON.parse(text) });
    return new Response(JSON.stringify(body), { status });
  });
  return sent;
}

test("an answer links the evidence it rests on, and what was looked up for it", async () => {
  const answer = { text: "No.\nIt was not.", evidence: ["e1", "e7"], analyst: "model/m-1 (ours, platform)" };
  const page = await show([aQuestion({ status: "answered", answer })]);
  expect(page.textContent).toContain("Was cart slow, too?");
  expect([...page.querySelectorAll(".reply a")].map((a) => a.getAttribute("href"))).toEqual(["#e1", "#e7"]);
  expect(page.querySelector("#e7")?.textContent).toContain("nothing new");
  expect(page.textContent).toContain("model/m-1 (ours, platform)");
  expect(page.textContent).not.toContain("No model answered");
});

test("text of a question and an answer is text, never markup", async () => {
  const text = '<img src=x onerror="alert(1)"> ![a](https://evil.example/a.png) [click](https://evil.example)';
  const answer = { text, evidence: [], analyst: text, no_model: text };
  const page = await show([
    aQuestion({ text, status: "answered", answer }),
    aQuestion({ id: "ask-2", status: "failed", failure: text }),
  ]);
  expect(page.querySelector(".reply-text")?.textContent).toBe(text);
  expect(page.querySelector("img, a[href^='http'], script")).toBeNull();
});

test("the built-in analyst's answer says that no model was there", async () => {
  const answer = { text: "By the words…", evidence: [], analyst: "builtin", no_model: "AI is switched off" };
  const page = await show([aQuestion({ status: "answered", answer })]);
  expect(page.textContent).toContain("No model answered: AI is switched off");
  expect(page.textContent).toContain("the built-in analyst");
});

test("a question without an answer says why", async () => {
  const page = await show([
    aQuestion({ status: "failed", failure: "no walls" }),
    aQuestion({ id: "ask-2", status: "cancelled" }),
  ]);
  expect(page.textContent).toContain("There is no answer: no walls");
  expect(page.textContent).toContain("Cancelled.");
});

test("a question is asked under one name, however often it is sent", async () => {
  const sent = server(503, { detail: "ask again" });
  await show([]);
  const ask = () => screen.getByRole("button", { name: "Ask" });
  expect(ask().hasAttribute("disabled")).toBe(true);
  fireEvent.change(screen.getByLabelText("Ask about this investigation"), { target: { value: " why? " } });
  fireEvent.click(ask());
  await screen.findByText("ask again");
  fireEvent.click(ask());
  await waitFor(() => expect(sent).toHaveLength(2));
  expect(sent[0]).toMatchObject({ path: "/api/v1/investigations/inv-1/questions", body: { text: "why?" } });
  expect(sent[1]).toEqual(sent[0]);
});

test("what is looked for can be cancelled", async () => {
  const sent = server();
  await show([aQuestion()]);
  fireEvent.click(screen.getByRole("button", { name: "Cancel" }));
  await screen.findByText("Cancelling…");
  expect(sent[0]?.path).toBe("/api/v1/investigations/inv-1/questions/ask-1/cancel");
});

test("a viewer reads and does not ask", async () => {
  const page = await show([aQuestion()], "viewer");
  expect(page.textContent).toContain("Looking for the answer…");
  expect(page.querySelector("form, button.link")).toBeNull();
  expect((await show([], "viewer")).textContent).toBe("");
});
