import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import AxeBuilder from "@axe-core/playwright";
import { type BrowserContext, chromium, type Page } from "playwright-core";

/** Where Midwatch is, and what the test may do there. */
export interface Settings {
  url: string;
  token: string;
  /** Folder for screenshots; undefined: none. */
  screenshots: string | undefined;
  /** Approve the fix of the newest incident that waits for it. */
  approve: boolean;
  /** Switch AI off and on, which needs the providers of webtest. */
  models: boolean;
}

export function settings(): Settings {
  const { MIDWATCH_URL, MIDWATCH_TOKEN, MIDWATCH_SCREENSHOTS, MIDWATCH_APPROVE, MIDWATCH_MODELS } = process.env;
  if (!MIDWATCH_URL || !MIDWATCH_TOKEN)
    throw new Error("set MIDWATCH_URL and MIDWATCH_TOKEN, for instance from `go run ./api/webtest`");
  return {
    url: MIDWATCH_URL,
    token: MIDWATCH_TOKEN,
    screenshots: MIDWATCH_SCREENSHOTS,
    approve: MIDWATCH_APPROVE === "1",
    models: MIDWATCH_MODELS === "1",
  };
}

export interface Browser {
  page: Page;
  /** What the console and the content security policy complained about. */
  complaints: string[];
  close: () => Promise<void>;
}

/** Starts the machine's Chromium with a profile of its own. Midwatch's certificate is from its own CA. */
export async function open({ url }: Settings): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "midwatch-e2e-"));
  const context: BrowserContext = await chromium.launchPersistentContext(profile, {
    executablePath: process.env["MIDWATCH_CHROMIUM"] ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
    baseURL: url,
    ignoreHTTPSErrors: true,
    viewport: { width: 1440, height: 900 },
    colorScheme: "light",
    reducedMotion: "reduce",
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    const expected = /status of 40[14]/.test(message.text()); // signed out; an investigation that has not begun
    if (message.type() === "error" && !expected) complaints.push(message.text());
  });
  const close = async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  };
  return { page, complaints, close };
}

/** Looks at a page in light and dark: takes screenshots and returns what axe finds serious. */
export async function inspect(page: Page, name: string, { screenshots }: Settings): Promise<string[]> {
  const findings: string[] = [];
  await page.evaluate(() => window.scrollTo(0, 0)); // else the bar at the top is in the middle of the picture
  for (const scheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme: scheme });
    if (screenshots) {
      mkdirSync(screenshots, { recursive: true });
      await page.screenshot({ path: join(screenshots, `${name}-${scheme}.png`), fullPage: true });
    }
    findings.push(...(await serious(page)).map((f) => `${name} (${scheme}): ${f}`));
  }
  await page.emulateMedia({ colorScheme: "light" });
  return findings;
}

async function serious(page: Page): Promise<string[]> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations
    .filter((v) => v.impact === "serious" || v.impact === "critical")
    .map((v) => `${v.id}: ${v.help} at ${v.nodes.map((n) => n.target.join(" ")).join(", ")}`);
}
