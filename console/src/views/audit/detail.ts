/** A value of an act's detail as a text. */
function textOf(value: unknown): string {
  if (typeof value === "string") {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map(textOf).join(", ");
  }
  return JSON.stringify(value);
}

/** What an act's detail says, each with its name. What says nothing is left out. */
export function factsOf(detail: Record<string, unknown>): [name: string, value: string][] {
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => [name, textOf(value)]);
}

/** The same in a line. */
export function told(detail: Record<string, unknown>): string {
  return factsOf(detail)
    .map(([name, value]) => `${name}: ${value}`)
    .join(" · ");
}
