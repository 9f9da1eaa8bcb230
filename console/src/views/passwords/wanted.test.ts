import { expect, test } from "vitest";
import { csvOf } from "../../parts/csv";
import { madeDigits, readList, wantedOf } from "./wanted";

const ONE = "34020000001320000001";
const TWO = "34020000001320000002";

test("ids are read with passwords and without, and a header is none", () => {
  const read = readList(`\uFEFFid,password\r\n${ONE}\r\n\r\n"${TWO}";"a""b,c"\n# later\n`);
  expect(read.cameras).toEqual([{ id: ONE }, { id: TWO, password: 'a"b,c' }]);
  expect([read.wrongCount, read.twice]).toEqual([0, 0]);
});

test("what a spreadsheet was kept from running is read as it was", () => {
  expect(readList(`${ONE},'=12345\n${TWO},'plain`).cameras.map((each) => each.password)).toEqual([
    "=12345",
    "'plain",
  ]);
});

test("a file of ids and passwords that was made here is read as what it is", () => {
  const passwords = ["081284262660", '="x"', "'=1", '1,"2', "2026-11-23", "1e5", "plain"];
  const rows = passwords.map((password, index) => [`3402000000132000000${index}`, password]);
  const read = readList(csvOf([["id", "password"], ...rows]));
  expect(read.cameras.map(({ id, password }) => [id, password])).toEqual(rows);
  expect(read.wrongCount).toBe(0);
});

test("wrong lines are named, and of two of one id the last counts", () => {
  const read = readList(`${ONE},1\n3.4E+19\n${ONE},2\nabc`);
  expect(read.cameras).toEqual([{ id: ONE, password: "2" }]);
  expect([read.wrong, read.wrongCount, read.twice]).toEqual([["3.4E+19", "abc"], 2, 1]);
});

test("a password is made where none is given, and no two are alike", () => {
  const wanted = wantedOf([{ id: ONE }, { id: TWO, password: "x" }]);
  expect(wanted.map((each) => each.isMade)).toEqual([true, false]);
  expect(wanted[1]?.password).toBe("x");
  const made = new Set(Array.from({ length: 500 }, madeDigits));
  expect(made.size).toBe(500);
  expect([...made].every((each) => /^[1-9]\d{11}$/.test(each))).toBe(true);
});
