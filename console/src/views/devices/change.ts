import { useNavigate } from "@tanstack/react-router";
import type { Search } from "../../search";

/** Gives what changes the address, and with it the list. */
export function useFilterChange(): (
  change: (search: Search) => Search,
  isTyping?: boolean,
) => void {
  const navigate = useNavigate();
  return (change, isTyping = false) =>
    // What is typed letter by letter is one step back, not many.
    void navigate({ to: ".", search: change, replace: isTyping, resetScroll: false });
}
