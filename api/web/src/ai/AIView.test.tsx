import { fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { AI, AIChange, Provider } from "../services/ai";
import { anAI, aProvider, before } from "../testing/factories";
import { draw } from "../testing/render";
import { AIView } from "./AIView";

const sent: AIChange[] = [];
let answer: { status: number; body: unknown };

beforeEach(() => {
  sent.length = 0;
  answer = { status: 200, body: anAI() };
  vi.stubGlobal("fetch", (_: string, { body }: RequestInit) => {
    if (typeof body === "string") sent.push(JSON.parse(body) as AIChange);
    return Promise.resolve(new Response(JSON.stringify(answer.body), { status: answer.status }));
  });
  HTMLDialogElement.prototype.showModal = function () {
    this.open = true;
  };
});
afterEach(() => vi.unstubAllGlobals());

const ours = aProvider();
const on: Partial<AI> = {
  enabled: true,
  active: true,
  providers: [{ name: "ours", asked: true, confirmed_by: "mara", confirmed_at: before(3600) }],
  data_types: ["traces"],
};

function show(ai: Partial<AI>, { admin = true, providers = [ours] }: { admin?: boolean; providers?: Provider[] } = {}) {
  return draw(<AIView ai={anAI(ai)} providers={providers} admin={admin} />);
}

test("off says that nothing leaves", async () => {
  const page = await show({});
  expect(page.querySelector(".lead")?.textContent).toBe(
    "Nothing leaves for a model. The built-in analyst does the investigations.",
  );
  expect(screen.getByRole<HTMLInputElement>("switch").disabled).toBe(true); // nobody is listed
});

test("on says what leaves, to whom, on whose account", async () => {
  const page = await show(on);
  expect(page.querySelector(".lead")?.textContent).toContain("m-1 at api.anthropic.com on the account “platform”");
  expect(page.querySelector(".ai-state b")?.textContent).toBe("traces");
});

test("switched on without anybody who may be asked says why", async () => {
  const page = await show({ ...on, active: false, inactive: "its terms changed" });
  expect(page.querySelector(".ai-state")?.textContent).toContain("Nothing leaves for a model");
  expect(page.querySelector(".ai-state")?.textContent).toContain("Its terms changed.");
});

test("off takes effect at once, with nothing else in the request", async () => {
  await show(on);
  fireEvent.click(screen.getByRole("switch"));
  await waitFor(() => expect(sent).toEqual([{ enabled: false }]));
});

test("on asks first, with the exact terms, and sends exactly those", async () => {
  const terms = "No training.\nKept \u202e30 days. <b>https://evil.example</b>";
  await show(
    { providers: [{ name: "ours", asked: false, why: "not confirmed", confirmed_at: undefined }] },
    { providers: [aProvider({ terms })] },
  );
  fireEvent.click(screen.getByRole("switch"));
  expect(sent).toEqual([]);
  const dialog = screen.getByRole("dialog", { name: "Let a model decide in demo?" });
  expect(dialog.querySelector("blockquote")?.textContent).toBe(terms.replace("\u202e", "\\u{202e}"));
  expect(dialog.querySelector("blockquote *")).toBeNull();
  fireEvent.click(screen.getByText("Confirm these terms and switch on"));
  await waitFor(() =>
    expect(sent).toEqual([{ enabled: true, providers: ["ours"], confirm: [{ provider: "ours", terms }] }]),
  );
});

test("a refusal is shown", async () => {
  answer = { status: 409, body: { title: "Conflict", detail: "the terms changed: read them again" } };
  await show(on);
  fireEvent.click(screen.getByLabelText("Take ours off the list"));
  expect((await screen.findByRole("alert")).textContent).toBe("the terms changed: read them again");
});

test("the order of providers is changed by buttons that say what they do", async () => {
  const listed = ["ours", "own"].map((name) => ({ name, asked: true, confirmed_by: "mara", confirmed_at: before(60) }));
  await show({ ...on, providers: listed }, { providers: [ours, aProvider({ name: "own" })] });
  fireEvent.click(screen.getByLabelText("Ask own earlier"));
  await waitFor(() => expect(sent).toEqual([{ providers: ["own", "ours"] }]));
  expect(screen.getByLabelText<HTMLButtonElement>("Ask ours earlier").disabled).toBe(true);
});

test("each kind of data is switched alone and says what it includes", async () => {
  await show(on);
  const logs = screen.getByLabelText<HTMLInputElement>("logs");
  expect(document.getElementById(logs.getAttribute("aria-describedby") ?? "")?.textContent).toContain("search_logs");
  fireEvent.click(logs);
  await waitFor(() => expect(sent).toEqual([{ data_types: ["traces", "logs"] }]));
});

test("what cannot be listed says why", async () => {
  const page = await show({}, { providers: [aProvider({ unusable: "it is the account of environment prod" })] });
  expect(page.textContent).toContain("It is the account of environment prod.");
  expect(screen.queryByLabelText(/list it/)).toBeNull();
});

test("who is no admin reads and changes nothing", async () => {
  await show(on, { admin: false });
  for (const role of ["switch", "checkbox"]) {
    for (const box of screen.getAllByRole<HTMLInputElement>(role)) expect(box.disabled).toBe(true);
  }
  expect(screen.queryByLabelText("Take ours off the list")).toBeNull();
  expect(screen.getByText("Only an admin switches this.")).toBeTruthy();
});

test("who begins with keys of their own confirms only their own account", async () => {
  const listed = ["own", "ours"].map((name) => ({ name, asked: false, confirmed_at: undefined }));
  await show({ providers: listed }, { providers: [aProvider({ name: "own", environment: "demo" }), ours] });
  fireEvent.click(screen.getByRole("switch"));
  fireEvent.click(screen.getByText("Confirm these terms and switch on"));
  const confirm = [{ provider: "own", terms: ours.terms }];
  await waitFor(() => expect(sent).toEqual([{ enabled: true, providers: ["own", "ours"], confirm }]));
});
