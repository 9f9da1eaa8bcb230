import { useText } from "../../i18n";

/** A value as it is: one that is empty, or none at all, is told in words. */
export function Value({ value }: { value: string | null | undefined }) {
  const { device: text } = useText();
  if (value === null || value === undefined) {
    return <span className="quiet">{text.noValue}</span>;
  }
  return value === "" ? (
    <span className="quiet">{text.emptyText}</span>
  ) : (
    <code className="break">{value}</code>
  );
}
