import { renderHook } from "@testing-library/react";
import { expect, it } from "vitest";
import { useFormats } from ".";
import { language } from "./language";

const NOW = Date.parse("2026-01-31T12:00:00Z");

it.each([
  ["en", 0, "now"],
  ["en", -59.4, "59 sec. ago"],
  ["en", -59.6, "1 min. ago"],
  ["en", -3_599, "1 hr. ago"],
  ["en", -86_399, "yesterday"],
  ["en", -400 * 86_400, "400 days ago"],
  ["en", 90 * 60, "in 2 hr."],
  ["zh", -120, "2分钟前"],
] as const)("tells an age in %s of %d s as %s", (chosen, seconds, told) => {
  language.set(chosen);
  const { ago } = renderHook(() => useFormats()).result.current;
  expect(ago(NOW + seconds * 1_000, NOW)).toBe(told);
});

it.each(["en", "zh"] as const)("tells moments by 24 hours in %s", (chosen) => {
  language.set(chosen);
  const { moment, clock } = renderHook(() => useFormats()).result.current;
  const at = new Date(2026, 0, 31, 0, 5, 9);
  expect(moment(at)).toMatch(/2026.* 00:05:09$/);
  expect(clock(at)).toBe("00:05");
  expect(clock(new Date(2026, 0, 31, 23, 59))).toBe("23:59");
});
