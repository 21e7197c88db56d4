import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  // The page is served under a policy without 'unsafe-inline': nothing may be turned into data: or inline.
  build: {
    outDir: "dist",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: ["chrome115", "firefox115", "safari16.4"],
  },
  server: { host: "127.0.0.1" },
  test: { environment: "node", include: ["tests/**/*.test.ts"] },
});
