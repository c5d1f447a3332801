import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [react()],
  // Older browsers lack light-dark(), which the style sheet is built on.
  build: { outDir: "dist", emptyOutDir: true, cssTarget: ["chrome123", "firefox120", "safari17.5"] },
  test: { environment: "jsdom", setupFiles: "src/testing/setup.ts", include: ["src/**/*.test.{ts,tsx}"] },
});
