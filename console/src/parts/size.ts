/** A size in bytes, in the unit in which it is a small number. */
export function sizeOf(bytes: number, number: (value: number) => string): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1_024 && unit < units.length - 1) {
    value /= 1_024;
    unit += 1;
  }
  return `${number(unit === 0 ? value : Math.round(value * 10) / 10)} ${units[unit]}`;
}
