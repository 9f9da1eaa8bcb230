import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line of whoever started this script. */
async function hear() {
  const { value, done } = await lines.next();
  if (done) {
    throw new Error("whoever started this script has gone");
  }
  return JSON.parse(value);
}

/** What the script is to do, and where: the first line that it is given. */
export const brief = hear;

/** Has whoever started this script do something about the server or its devices; gives what came. */
export async function ask(what, about = {}) {
  process.stdout.write(`${JSON.stringify({ ask: what, about })}\n`);
  return hear();
}

/** Ends hearing, so that the script can end. */
export function hangUp() {
  process.stdin.destroy();
}
