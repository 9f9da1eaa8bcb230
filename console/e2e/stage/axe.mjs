import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** What counts: what shuts somebody out. */
const COUNTED = new Set(["serious", "critical"]);

/**
 * What axe finds on the page as it is that counts, each with the elements. With `rules`, by these
 * alone.
 */
export async function axe(page, rules) {
  // Evaluated by the browser's own debugger, to which the page's policy does not apply.
  await page.evaluate(source);
  const { violations } = await page.evaluate(
    (only) => window.axe.run(document, { resultTypes: ["violations"], ...only }),
    rules ? { runOnly: { type: "rule", values: rules } } : {},
  );
  return violations
    .filter(({ impact }) => COUNTED.has(impact))
    .map(({ id, help, nodes }) => {
      const where = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.html}`);
      return `${id} (${help}), ${nodes.length}:\n    ${where.join("\n    ")}`;
    });
}
