import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { cleanup, fireEvent, render, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { ApiProblem } from "../api/problem";
import { messages } from "../i18n/messages";
import { Loaded } from "./Loading";

const { parts } = messages.en;

/** A view of what is read. */
function View({ read }: { read: () => Promise<string> }) {
  const query = useQuery({ queryKey: ["webhook"], queryFn: read });
  return <Loaded query={query}>{(data) => <p>{data}</p>}</Loaded>;
}

afterEach(cleanup);

it("tells above what is known from before that it could not be read anew", async () => {
  let isGone = false;
  const read = async () => {
    if (isGone) {
      throw new ApiProblem(404, { code: "not_found" }, "no such webhook");
    }
    return "what it is";
  };
  const client = new QueryClient({ defaultOptions: { queries: { retry: false } } });
  render(
    <QueryClientProvider client={client}>
      <View read={read} />
    </QueryClientProvider>,
  );
  await screen.findByText("what it is");
  isGone = true;
  await client.invalidateQueries();
  await screen.findByText("no such webhook");
  screen.getByText("what it is");
  isGone = false;
  fireEvent.click(screen.getByRole("button", { name: parts.retry }));
  await waitFor(() => expect(screen.queryByText("no such webhook")).toBeNull());
  screen.getByText("what it is");
});
