import { cleanup, fireEvent, screen, waitFor } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { Chips } from "./Chips";

const { devices: text, states } = messages.en;

afterEach(cleanup);

it("leaves the kind alone where that is asked for by itself", async () => {
  const { router } = show(<Chips hasKind={false} />, "/?project=p&kind=phone&text=gate");
  await screen.findByText(text.chip(text.filter.text, "gate"));
  expect(screen.queryByText(text.chip(text.filter.kind, states.kind.phone))).toBeNull();
  fireEvent.click(screen.getByRole("button", { name: text.clearAll }));
  await waitFor(() => expect(screen.queryByText(text.clearAll)).toBeNull());
  expect(router.history.location.search).toBe("?project=p&kind=phone");
});
