import { afterEach, expect, test, vi } from "vitest";
import { z } from "zod";
import { request, withQuery } from "./http";

const shape = z.object({ name: z.string() });

function answers(status: number, body: unknown): void {
  vi.stubGlobal("fetch", async () => new Response(JSON.stringify(body), { status }));
}

afterEach(() => vi.unstubAllGlobals());

test("an answer of the right shape is returned", async () => {
  answers(200, { name: "cart" });
  expect(await request(shape, "/api/v1/x")).toEqual({ name: "cart" });
});

test("an answer of another shape says where it differs", async () => {
  answers(200, { name: 1 });
  await expect(request(shape, "/api/v1/x")).rejects.toThrow(/\/api\/v1\/x has an unexpected shape.*name/s);
});

test("a refusal carries status and detail", async () => {
  answers(409, { title: "Conflict", status: 409, detail: "the fix is rejected" });
  await expect(request(shape, "/api/v1/x")).rejects.toMatchObject({ status: 409, message: "the fix is rejected" });
});

test("a refusal names the fields that do not fit", async () => {
  answers(422, { title: "Unprocessable", errors: [{ message: "too short", location: "body.reason" }] });
  await expect(request(shape, "/api/v1/x")).rejects.toMatchObject({ message: "body.reason: too short" });
});

test("a server that is gone has status 0", async () => {
  vi.stubGlobal("fetch", () => Promise.reject(new TypeError("refused")));
  await expect(request(shape, "/api/v1/x")).rejects.toMatchObject({ status: 0 });
});

test("a query leaves out what is absent", () => {
  expect(withQuery("/x", { a: "1 2", b: undefined, c: "" })).toBe("/x?a=1+2");
  expect(withQuery("/x", {})).toBe("/x");
});
