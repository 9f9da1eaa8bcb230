import { createLink } from "@tanstack/react-router";
import type { AnchorHTMLAttributes, ButtonHTMLAttributes, Ref } from "react";

type Kind = "primary" | "danger" | "plain" | "normal";

/** A button. `isBusy` says that what it began is under way: it can't be pressed again meanwhile. */
export function Button({
  kind = "normal",
  isBusy = false,
  type = "button",
  disabled,
  ...rest
}: ButtonHTMLAttributes<HTMLButtonElement> & { kind?: Kind; isBusy?: boolean }) {
  return (
    <button
      {...rest}
      type={type}
      className="button"
      data-kind={kind}
      disabled={disabled || isBusy}
      aria-busy={isBusy || undefined}
    />
  );
}

function ButtonAnchor({
  kind = "normal",
  ref,
  children,
  ...rest
}: AnchorHTMLAttributes<HTMLAnchorElement> & { kind?: Kind; ref?: Ref<HTMLAnchorElement> }) {
  return (
    <a {...rest} ref={ref} className="button" data-kind={kind}>
      {children}
    </a>
  );
}

/** A link to another view that looks like a button. */
export const ButtonLink = createLink(ButtonAnchor);
