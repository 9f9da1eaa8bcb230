/** A variable of a preset's value: what it stands for, and what it is where that is lacking. */
export type Variable = { name: string; fallback: string | undefined };

/** A part of a preset's value: text, or what stands for something of the device's own. */
export type Part = { text: string; variable?: Variable };

/**
 * The parts of a preset's value. What is no template is text: the server says what is wrong with it
 * when the preset is set.
 */
export function partsOf(value: string): Part[] {
  const parts: Part[] = [];
  let text = "";
  let at = 0;
  while (at < value.length) {
    if (value.startsWith("$$", at)) {
      text += "$$";
      at += 2;
      continue;
    }
    const end = value.startsWith("${", at) ? value.indexOf("}", at) : -1;
    if (end < 0) {
      text += value[at];
      at += 1;
      continue;
    }
    if (text !== "") {
      parts.push({ text });
      text = "";
    }
    const inside = value.slice(at + 2, end);
    const dash = inside.indexOf(":-");
    parts.push({
      text: value.slice(at, end + 1),
      variable: {
        name: dash < 0 ? inside : inside.slice(0, dash),
        fallback: dash < 0 ? undefined : inside.slice(dash + 2),
      },
    });
    at = end + 1;
  }
  if (text !== "") {
    parts.push({ text });
  }
  return parts;
}

/** The variables that whoever uses a preset has to give, by name, each with its defaults. */
export function givenVariables(
  values: Record<string, string>,
): Map<string, Set<string | undefined>> {
  const found = new Map<string, Set<string | undefined>>();
  for (const value of Object.values(values)) {
    for (const { variable } of partsOf(value)) {
      if (variable?.name.startsWith("var:")) {
        const name = variable.name.slice("var:".length);
        found.set(name, (found.get(name) ?? new Set()).add(variable.fallback));
      }
    }
  }
  return found;
}

/** What can stand in a value, by example. */
export const EXAMPLES = [
  { id: "own", text: `\${id}, \${name}, \${server}` },
  { id: "tag", text: `\${tag:floor}` },
  { id: "given", text: `\${var:number}` },
  { id: "fallback", text: `\${tag:floor:-0}` },
  { id: "dollar", text: "$$" },
] as const;
