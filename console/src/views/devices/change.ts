import { useNavigate } from "@tanstack/react-router";
import type { Search } from "../../search";
import { type ListName, toggled } from "./filters";

/** Gives what changes the address, and with it the list. */
export function useFilterChange(): (change: (search: Search) => Search, replace?: boolean) => void {
  const navigate = useNavigate();
  return (change, replace = false) =>
    void navigate({ to: ".", search: change, replace, resetScroll: false });
}

/** Gives what adds a value to a filter or takes it away, whatever else is being changed. */
export function useToggle(): (name: ListName) => (value: string, isChosen?: boolean) => void {
  const change = useFilterChange();
  return (name) =>
    (value, isChosen = true) =>
      change((search) => toggled(search, name, value, isChosen));
}
