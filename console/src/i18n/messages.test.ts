import { expect, test } from "vitest";
import { messages } from "./messages";

/** Every text of a language by where it stands, those with values given marks instead. */
function textsOf(
  texts: object,
  at = "",
  given = (index: number): unknown => `‹${index}›`,
): [at: string, text: string][] {
  return Object.entries(texts).flatMap(([name, text]): [string, string][] => {
    const here = at === "" ? name : `${at}.${name}`;
    if (typeof text === "function") {
      const marks = Array.from({ length: text.length }, (_, index) => given(index));
      return [[here, String(text(...marks))]];
    }
    return typeof text === "string" ? [[here, text]] : textsOf(text, here, given);
  });
}

const en = new Map(textsOf(messages.en));
const zh = new Map(textsOf(messages.zh));

/** The values that a text shows. */
function shown(text: string | undefined): string[] {
  return [...new Set(text?.match(/‹\d›/g))].sort();
}

test("both languages have the same texts, and show the same values in them", () => {
  expect([...zh.keys()].sort()).toEqual([...en.keys()].sort());
  const others = [...en].filter(([at, text]) => `${shown(text)}` !== `${shown(zh.get(at))}`);
  expect(others.map(([at, text]) => `${at}: ${text} / ${zh.get(at)}`)).toEqual([]);
});

/** Words that say what another says already: who reads two of them looks for two things. */
const OTHER_WORDS: Record<string, string> = {
  接管: "纳管",
  配置档: "型号配置",
  重叠期: "过渡期",
  分批发布: "分批更新",
  撤回: "回滚",
  主机: "云手机服务器",
  自助注册: "自助接入",
  不在线: "离线",
  预检: "试运行",
  清空筛选: "清除筛选",
  此操作无法撤销: "此操作不可撤销",
};

test("in Chinese there is one word for one thing", () => {
  const found = [...zh].flatMap(([at, text]) =>
    Object.entries(OTHER_WORDS)
      .filter(([word]) => text.includes(word))
      .map(([word, ours]) => `${at}: ${word} is ${ours} elsewhere: ${text}`),
  );
  expect(found).toEqual([]);
});

test("what is Chinese is punctuated as Chinese", () => {
  const wrong = [...zh].filter(([, text]) => /[\u4e00-\u9fff][,;?!]|[\u4e00-\u9fff]\.$/.test(text));
  expect(wrong).toEqual([]);
});

/** Texts of counts that are never one: there are more than a page or a bound has. */
const MANY = [
  "devices.loadedOfAtLeast",
  "devices.loadedOfMore",
  "devices.tooMany",
  "importing.pieces",
  "keys.partial",
  "newUpdate.faults.tooMany",
  "newUpdate.matchesMore",
  "passwords.tooMany",
  "users.notFound",
  "users.partial",
];

test("of one thing English speaks as of one", () => {
  const isWrong = (text: string) =>
    /(?<!of )\b1( more)? (?!(is|was|has|as|this|knows|ms)\b)(are|were|have|[a-z]+s)\b/.test(text);
  // A count is given as a number or as it is written.
  const asNumbers = new Map(textsOf(messages.en, "", () => 1));
  const wrong = textsOf(messages.en, "", () => "1").filter(
    ([at, text]) => isWrong(text) && isWrong(asNumbers.get(at) ?? "") && !MANY.includes(at),
  );
  expect(wrong.map(([at, text]) => `${at}: ${text}`)).toEqual([]);
});
