import { queryOptions } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";

/** What is known of a property. */
export type Property = components["schemas"]["PropertyView"];

/** All properties that there are. */
export const catalogue = queryOptions({
  queryKey: ["catalogue"],
  queryFn: () => ask(api.GET("/api/v1/catalogue")),
  staleTime: 300_000,
});

/** The property of a name, one of its aliases, or one of those that a `*` stands for. */
export function propertyOf(properties: readonly Property[], kind: string, name: string) {
  const ofKind = properties.filter((property) => property.device_kind === kind);
  return (
    ofKind.find((property) => property.name === name || property.aliases.includes(name)) ??
    ofKind.find((property) => {
      const stem = property.name.endsWith("*") ? property.name.slice(0, -1) : undefined;
      return stem !== undefined && name.startsWith(stem);
    })
  );
}

/** The values that a property may have, where they are few and the catalogue names them. */
export function choicesOf(property: Property | undefined): string[] | undefined {
  if (!property) {
    return undefined;
  }
  if (property.kind === "bool01") {
    return ["0", "1"];
  }
  const named = /^one of ([^;]+?)(, or nothing.*)?$/.exec(property.allows);
  return named?.[1]?.split(", ").concat(named[2] ? [""] : []);
}

/** The properties that are looked for by a text: those whose name has it first. */
export function matching(properties: readonly Property[], kind: string, text: string): Property[] {
  const wanted = text.trim().toLowerCase();
  const isNamed = (property: Property) =>
    [property.name, ...property.aliases].some((name) => name.toLowerCase().includes(wanted));
  const found = properties.filter(
    (property) =>
      property.device_kind === kind &&
      property.updatable &&
      (isNamed(property) || property.meaning.toLowerCase().includes(wanted)),
  );
  return [...found.filter(isNamed), ...found.filter((property) => !isNamed(property))];
}
