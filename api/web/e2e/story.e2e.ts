import { afterAll, beforeAll, expect, test } from "vitest";
import { type Browser, inspect, open, settings } from "./browser";

// The tests run in order in one browser: a person's way from the sign-in to the settings.
const at = settings();
let browser: Browser;

beforeAll(async () => {
  browser = await open(at);
});

afterAll(async () => {
  await browser.close();
});

test("a wrong token is refused, the right one leads to where one wanted to go", async () => {
  const { page } = browser;
  await page.goto("/services?range=1h");
  await page.getByLabel("Access token").fill("mw_wrong_token");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByText("unknown, revoked or expired").waitFor();
  expect(await inspect(page, "sign-in", at)).toEqual([]);
  await page.getByLabel("Access token").fill(at.token);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(/\/services\?range=1h$/);
});

test("services show their numbers, one shows its charts", async () => {
  const { page } = browser;
  const table = page.getByRole("region", { name: "Services" });
  await table.getByRole("row").nth(1).waitFor();
  expect(await inspect(page, "services", at)).toEqual([]);
  const first = table.getByRole("row").nth(1).getByRole("link");
  const name = await first.innerText();
  await first.click();
  await page.getByRole("heading", { name, level: 1 }).waitFor();
  await page.locator(".chart canvas").first().waitFor();
  expect(page.url()).toContain("range=1h"); // the range goes along
  expect(await inspect(page, "service", at)).toEqual([]);
});

test("keys lead from page to page", async () => {
  const { page } = browser;
  await page.keyboard.press("g");
  await page.keyboard.press("i");
  await page.getByRole("heading", { name: "Incidents" }).waitFor();
  await page.keyboard.press("/");
  await expect
    .poll(() => page.evaluate(() => document.activeElement?.getAttribute("aria-label")))
    .toBe("Filter incidents");
});

test("an investigation shows report and evidence", async () => {
  const { page } = browser;
  await page.goto("/incidents");
  const table = page.getByRole("region", { name: "Incidents" });
  await table.getByRole("row").nth(1).waitFor();
  expect(await inspect(page, "incidents", at)).toEqual([]);
  const waiting = table.locator('[data-incident-status="awaiting_approval"]');
  const chosen = (await waiting.count()) > 0 ? waiting : table.locator("[data-incident-status]");
  await chosen.first().click();
  await page.getByRole("heading", { name: "How it was found" }).waitFor();
  await page.locator("button.evidence-head").first().click();
  await page.locator(".evidence-body .tabs").first().waitFor();
  expect(await inspect(page, "investigation", at)).toEqual([]);
});

test.runIf(at.approve)("a fix is approved by clicking, applied and verified", async () => {
  const { page } = browser;
  const fix = page.locator("[data-fix-status]").first();
  await fix.getByRole("button", { name: "Approve…" }).click();
  const dialog = page.getByRole("dialog", { name: "Apply this fix?" });
  await dialog.waitFor();
  expect(await inspect(page, "approve", at)).toEqual([]);
  await dialog.getByRole("button", { name: "Approve and apply" }).click();
  await page.locator('[data-fix-status="verified"]').waitFor({ timeout: 150_000 });
  await page.locator('[data-incident-status="resolved"]').waitFor({ timeout: 30_000 });
  expect(await inspect(page, "verified", at)).toEqual([]);
});

test("a running investigation tells how far it is", async () => {
  const { page } = browser;
  await page.goto("/incidents");
  const running = page.locator('[data-incident-status="investigating"]');
  await page.getByRole("region", { name: "Incidents" }).waitFor();
  if ((await running.count()) === 0) return; // none runs at the moment
  await running.first().click();
  await page.getByRole("heading", { name: "How it was found" }).waitFor();
  expect(await inspect(page, "running", at)).toEqual([]);
});

test("the Temporal UI tells an investigation's story in words", async () => {
  const me = (await (await browser.page.request.get("/api/v1/whoami")).json()) as { temporal_ui?: string };
  if (!me.temporal_ui) return; // a Temporal of one's own, or none
  const page = await browser.page.context().newPage();
  await page.setViewportSize({ width: 1440, height: 1600 }); // what is out of sight is not framed
  await page.goto(`${me.temporal_ui}namespaces/midwatch/workflows?query=WorkflowType%3D%22Investigation%22`);
  const link = await page
    .locator('a[href*="workflows/investigation"]')
    .first()
    .getAttribute("href", { timeout: 60_000 });
  await page.goto(link ?? "");
  const words = async () =>
    Promise.all(
      page.frames().map((f) =>
        f
          .locator("body")
          .innerText({ timeout: 1000 })
          .catch(() => ""),
      ),
    );
  await expect.poll(words, { timeout: 60_000 }).toContainEqual(expect.stringContaining("Who calls whom?"));
  if (at.screenshots) await page.screenshot({ path: `${at.screenshots}/temporal.png` });
  await page.close();
}, 150_000);

test("settings lead to AI, which says in words what leaves", async () => {
  const { page } = browser;
  await page.goto("/settings");
  await page.getByRole("region", { name: "Tools" }).waitFor();
  expect(await inspect(page, "settings", at)).toEqual([]);
  await page.getByRole("link", { name: "Switch, providers and data" }).click();
  await page.getByRole("switch").waitFor();
  expect(await inspect(page, "ai", at)).toEqual([]);
});

test.runIf(at.models)("AI goes off at once, and on only after the terms", async () => {
  const { page } = browser;
  const ai = page.getByRole("switch");
  await ai.click();
  await page.getByText("Off. Calls under way are being closed.").waitFor();
  expect(await ai.isChecked()).toBe(false);
  expect(await inspect(page, "ai-off", at)).toEqual([]);
  await page.getByRole("button", { name: "Read the terms of our-bedrock and list it" }).click();
  await page.getByRole("dialog", { name: "Terms of our-bedrock" }).waitFor();
  expect(await inspect(page, "ai-terms", at)).toEqual([]);
  await page.getByRole("button", { name: "Confirm and list" }).click();
  await page.getByRole("button", { name: "Ask our-bedrock earlier" }).click();
  await page.getByText("never falls back").waitFor(); // own keys first
  await page.getByLabel("configuration").check();
  await ai.click();
  const dialog = page.getByRole("dialog", { name: "Let a model decide" });
  await dialog.waitFor();
  expect(await ai.isChecked()).toBe(false);
  expect(await inspect(page, "ai-enable", at)).toEqual([]);
  await dialog.getByRole("button", { name: "Confirm these terms and switch on" }).click();
  await page.getByText("Investigations that begin now are decided by").waitFor();
  expect(await ai.isChecked()).toBe(true);
  expect(await inspect(page, "ai-on", at)).toEqual([]);
});

test.runIf(at.models)("the ledger shows every call, and every byte of one", async () => {
  const { page } = browser;
  await page.getByRole("link", { name: "ledger" }).click();
  const calls = page.getByRole("region", { name: "Calls" });
  await calls.getByRole("row").nth(1).waitFor();
  expect(await inspect(page, "ledger", at)).toEqual([]);
  await page.getByLabel("Only this state").selectOption("answered");
  await expect.poll(() => calls.getByText("closed").count()).toBe(0);
  await calls.getByRole("row").nth(1).getByRole("link").first().click();
  await page.getByRole("region", { name: "Received" }).waitFor();
  await page.getByLabel("Search in what was sent and received").fill("password");
  await page.locator("mark").first().waitFor();
  expect(await inspect(page, "ledger-call", at)).toEqual([]);
  await page.getByRole("button", { name: "Exact JSON" }).first().click();
  expect(await inspect(page, "ledger-bytes", at)).toEqual([]);
});

test.runIf(at.models)("an investigation tells who decided, and what that took", async () => {
  const { page } = browser;
  await page.getByRole("link", { name: /^inv-/ }).click();
  await page.getByRole("heading", { name: "How it was found" }).waitFor();
  await page.getByText("Attack on the draft.").waitFor();
  expect(await inspect(page, "model-investigation", at)).toEqual([]);
});

test.runIf(at.models)("why the built-in analyst took over is told, and all of it fits a telephone", async () => {
  const { page } = browser;
  await page.goto("/investigations/inv-9b02d4");
  await page.getByText("The built-in analyst took over.").waitFor();
  expect(await inspect(page, "taken-over", at)).toEqual([]);
  await page.setViewportSize({ width: 420, height: 900 });
  await page.goto("/settings/ai");
  await page.getByRole("switch").waitFor();
  expect(await inspect(page, "ai-narrow", at)).toEqual([]);
  await page.setViewportSize({ width: 1440, height: 900 });
});

test("the theme can be chosen, and signing out ends the session", async () => {
  const { page } = browser;
  await page.getByRole("button", { name: "Theme: system" }).click();
  await page.getByRole("button", { name: "Theme: light" }).click();
  expect(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme)).toBe("dark");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access token").waitFor();
  await page.goto("/settings");
  await page.getByLabel("Access token").waitFor();
});

test("nothing was complained about", () => {
  expect(browser.complaints).toEqual([]);
});
