import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const source = await readFile(
  createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
  "utf8",
);

/** What counts: what shuts somebody out. */
const COUNTED = new Set(["serious", "critical"]);

/** The rules that another colour scheme can break. */
const COLOURS = ["color-contrast", "link-in-text-block"];

/**
 * What axe finds that counts, on the page as it is or within what the selector `within` means, each
 * with the elements. With `rules`, by these alone.
 */
async function found(page, { within, rules }) {
  if (!(await page.evaluate(() => "axe" in window))) {
    // Evaluated by the browser's own debugger, to which the page's policy does not apply.
    await page.evaluate(source);
  }
  const { violations } = await page.evaluate(
    ({ within, only }) =>
      window.axe.run(within ?? document, { resultTypes: ["violations"], ...only }),
    { within, only: rules ? { runOnly: { type: "rule", values: rules } } : {} },
  );
  return violations
    .filter(({ impact }) => COUNTED.has(impact))
    .map(({ id, help, nodes }) => {
      const where = nodes.slice(0, 3).map((node) => `${node.target.join(" ")} ${node.html}`);
      return `${id} (${help}), ${nodes.length}:\n    ${where.join("\n    ")}`;
    });
}

/** What axe finds that counts, light and dark, on the page or within what a selector means. */
export async function axe({ page, given }, within) {
  const faults = await found(page, { within });
  await page.emulateMedia({ colorScheme: "dark" });
  const dark = await found(page, { within, rules: COLOURS });
  await page.emulateMedia({ colorScheme: given.theme });
  return [...faults, ...dark.map((fault) => `in the dark: ${fault}`)];
}
