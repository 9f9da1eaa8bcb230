import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

/** Where the console's words are. */
const MESSAGES = fileURLToPath(new URL("../../src/i18n/messages.ts", import.meta.url));

/**
 * All words of the console in a language: a script finds things by what people read, and a word
 * that changes needs no change here.
 */
export async function textsOf(language) {
  const { module } = await runnerImport(MESSAGES, { configFile: false, logLevel: "error" });
  return module.messages[language];
}
