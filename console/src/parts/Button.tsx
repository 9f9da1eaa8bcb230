import { createLink } from "@tanstack/react-router";
import {
  type AnchorHTMLAttributes,
  type ComponentProps,
  type MouseEvent,
  type Ref,
  useEffect,
  useRef,
} from "react";

/** Two presses within this time are one. */
const AGAIN_AFTER_MS = 400;

type Kind = "primary" | "danger" | "plain" | "normal";

/**
 * A button. `isBusy` says that what it began is under way: it can't be pressed again meanwhile, and
 * keeps the focus.
 */
export function Button({
  kind = "normal",
  isBusy,
  type = "button",
  onClick,
  ...rest
}: ComponentProps<"button"> & { kind?: Kind; isBusy?: boolean }) {
  const pressedAt = useRef(Number.NEGATIVE_INFINITY);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what was begun is drawn, or has ended
  useEffect(() => {
    pressedAt.current = Number.NEGATIVE_INFINITY;
  }, [isBusy]);
  const press = (event: MouseEvent<HTMLButtonElement>) => {
    // The second press of two, by pointer or by Enter in a field of its form, may come before it is
    // drawn that the first began something; that of a double click also when it has ended already.
    const isSecond = event.detail > 1 || event.timeStamp - pressedAt.current < AGAIN_AFTER_MS;
    if (isBusy || (isBusy !== undefined && isSecond)) {
      event.preventDefault();
      return;
    }
    pressedAt.current = event.timeStamp;
    onClick?.(event);
  };
  return (
    <button
      {...rest}
      type={type}
      className="button"
      data-kind={kind}
      aria-disabled={isBusy || undefined}
      aria-busy={isBusy || undefined}
      onClick={press}
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
