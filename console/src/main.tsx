import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiProblem } from "./api/problem";
import { Language } from "./i18n";
import "./layout/theme";
import { router } from "./router";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/shell.css";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // A server that restarts is waited for; a refusal is shown at once.
      retry: (_, error) => error instanceof ApiProblem && error.isPassing,
      retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 5_000),
      // The browser's own word on being online is about its network, not about the server.
      networkMode: "always",
    },
    mutations: { networkMode: "always", retry: false },
  },
});

const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <Language>
          <RouterProvider router={router} />
        </Language>
      </QueryClientProvider>
    </StrictMode>,
  );
}
