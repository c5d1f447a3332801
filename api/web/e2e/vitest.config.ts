import { defineConfig } from "vitest/config";

/** The browser test: one story in order, against a running Midwatch. */
export default defineConfig({
  test: { environment: "node", include: ["e2e/**/*.e2e.ts"], testTimeout: 180_000, hookTimeout: 60_000, bail: 1 },
});
