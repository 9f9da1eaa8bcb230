import { createInterface } from "node:readline";

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** The next line of whoever started this script; nothing once they have no more to say. */
async function hear() {
  const { value, done } = await lines.next();
  return done ? undefined : JSON.parse(value);
}

/** Says something to whoever started this script. */
function say(what) {
  process.stdout.write(`${JSON.stringify(what)}\n`);
}

/** What the script is to do next, and where; nothing once it has done all. */
export const brief = hear;

/** Says that what the brief asked for is over, and whether it went as it should. */
export function tell(isGood) {
  say({ over: isGood });
}

/** Has whoever started this script do something about the server or its devices; gives what came. */
export async function ask(what, about = {}) {
  say({ ask: what, about });
  const answer = await hear();
  if (answer === undefined) {
    throw new Error("whoever started this script has gone");
  }
  return answer;
}
