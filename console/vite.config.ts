import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// `npm run dev` serves the console from source, with the API of a running server behind it:
// FLEETWRIGHT_URL is that server, and FLEETWRIGHT_TOKEN a token of it, without which one signs in.
const server = process.env.FLEETWRIGHT_URL ?? "http://127.0.0.1:8480";
const token = process.env.FLEETWRIGHT_TOKEN;

export default defineConfig({
  plugins: [react()],
  build: {
    target: "es2023",
    assetsDir: "assets",
    // The server's Content-Security-Policy lets no inline script or style through, so nothing may
    // be put into the page as a data: URL.
    assetsInlineLimit: 0,
    // A view whose style could not be loaded once is shown without it from then on: so there is one
    // for all of them, loaded with the page, of 7 kB compressed.
    cssCodeSplit: false,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: {
      "/readyz": server,
      "/api": {
        target: server,
        // Signing in is taken from the server's own pages alone, which it knows by Host and Origin.
        changeOrigin: token !== undefined,
        headers: token ? { authorization: `Bearer ${token}` } : {},
      },
    },
  },
  test: { environment: "happy-dom", include: ["src/**/*.test.{ts,tsx}"] },
});
