import { useFormats } from "../i18n";
import type { Tone } from "./Badge";

/** A part of a whole. */
export type Share = { tone: Tone; count: number; label: string };

/** How a whole is made up, as a bar; who hears is told the numbers. */
export function Meter({ shares, total }: { shares: readonly Share[]; total: number }) {
  const formats = useFormats();
  const told = shares
    .filter((share) => share.count > 0)
    .map((share) => `${share.label}: ${formats.number(share.count)}`)
    .join(", ");
  return (
    <div className="meter" role="img" aria-label={`${told} / ${formats.number(total)}`}>
      {shares.map((share) => (
        <i
          key={share.label}
          data-tone={share.tone}
          style={{ width: `${total > 0 ? (100 * share.count) / total : 0}%` }}
        />
      ))}
    </div>
  );
}
