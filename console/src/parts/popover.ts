import { type RefObject, useCallback, useEffect, useRef, useState } from "react";

/**
 * What opens below a button, in a frame around both. Escape closes it and gives the button the
 * focus; so does `leave`. A press or the focus elsewhere closes it and leaves the focus there.
 */
export function usePopover(): {
  frame: RefObject<HTMLDivElement | null>;
  isOpen: boolean;
  toggle: () => void;
  leave: () => void;
} {
  const frame = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  const leave = useCallback(() => {
    setOpen(false);
    frame.current?.querySelector("button")?.focus();
  }, []);
  useEffect(() => {
    if (!isOpen) {
      return undefined;
    }
    const closeElsewhere = ({ target }: Event) => {
      if (target instanceof Node && !frame.current?.contains(target)) {
        setOpen(false);
      }
    };
    const closeByKey = ({ key }: KeyboardEvent) => {
      if (key === "Escape") {
        leave();
      }
    };
    document.addEventListener("pointerdown", closeElsewhere);
    document.addEventListener("focusin", closeElsewhere);
    document.addEventListener("keydown", closeByKey);
    return () => {
      document.removeEventListener("pointerdown", closeElsewhere);
      document.removeEventListener("focusin", closeElsewhere);
      document.removeEventListener("keydown", closeByKey);
    };
  }, [isOpen, leave]);
  return { frame, isOpen, toggle: () => setOpen(!isOpen), leave };
}
