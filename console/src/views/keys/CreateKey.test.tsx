import { cleanup, fireEvent, screen } from "@testing-library/react";
import { afterEach, expect, it } from "vitest";
import { messages } from "../../i18n/messages";
import { show } from "../stage";
import { CreateKey } from "./CreateKey";

const { keys: text, parts } = messages.en;

afterEach(cleanup);

it("cuts nothing of a secret that is taken over, and says what is wrong with it", async () => {
  show(<CreateKey projects={["p"]} canOpenAll={false} onClose={() => {}} />);
  const kind = await screen.findByLabelText(text.kind);
  fireEvent.change(kind, { target: { value: "take" } });
  const [ak, sk] = [text.ak, text.sk].map((label) =>
    screen.getByLabelText<HTMLInputElement>(label),
  );
  const create = screen.getByRole<HTMLButtonElement>("button", { name: parts.create });
  const type = (field: HTMLInputElement | undefined, value: string) =>
    field && fireEvent.change(field, { target: { value } });
  type(ak, "AKID");
  type(sk, "s".repeat(128));
  expect([create.disabled, sk?.maxLength, ak?.maxLength]).toEqual([false, -1, -1]);
  for (const wrong of ["s".repeat(129), "a,b", "a b", "密"]) {
    type(sk, wrong);
    expect([wrong, create.disabled, sk?.ariaInvalid ?? sk?.getAttribute("aria-invalid")]).toEqual([
      wrong,
      true,
      "true",
    ]);
  }
});
