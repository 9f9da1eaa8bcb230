import { fileURLToPath } from "node:url";
import { runnerImport } from "vite";

/** Where the console's words are. */
const MESSAGES = fileURLToPath(new URL("../../src/i18n/messages.ts", import.meta.url));

/** They are loaded once, in all languages. */
let loaded;

/**
 * All words of the console in a language: a script finds things by what people read, and a word
 * that changes needs no change here. To ask for one that is not there any more is a fault: a button
 * without a name would be any.
 */
export async function textsOf(language) {
  loaded ??= runnerImport(MESSAGES, { configFile: false, logLevel: "error" });
  const { module } = await loaded;
  return strict(module.messages[language], language);
}

/** The same words, of which only those that are there can be asked for. */
function strict(words, path) {
  return new Proxy(words, {
    get(_, name) {
      const word = words[name];
      // Whoever waits for a promise asks what it gave for `then`.
      if (word === undefined && typeof name === "string" && name !== "then") {
        throw new Error(`there is no word ${path}.${name}`);
      }
      return typeof word === "object" ? strict(word, `${path}.${name}`) : word;
    },
  });
}
