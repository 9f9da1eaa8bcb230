import type { ReactNode } from "react";
import { useId } from "react";
import "../../styles/updates.css";

/** One of a few choices that are all in sight. */
export function Radios<T extends string>({
  legend,
  value,
  choices,
  onChange,
  isLegendHidden,
  hint,
}: {
  legend: ReactNode;
  value: T | undefined;
  choices: readonly { value: T; label: ReactNode; isDisabled?: boolean }[];
  onChange: (value: T) => void;
  isLegendHidden?: boolean;
  hint?: ReactNode;
}) {
  const name = useId();
  const hintId = `${name}-hint`;
  return (
    <fieldset className="radios" aria-describedby={hint ? hintId : undefined}>
      <legend className={isLegendHidden ? "heard" : undefined}>{legend}</legend>
      <div className="radios-choices">
        {choices.map((choice) => (
          <label key={choice.value} className="check">
            <input
              type="radio"
              name={name}
              checked={choice.value === value}
              disabled={choice.isDisabled}
              onChange={() => onChange(choice.value)}
            />
            <span>{choice.label}</span>
          </label>
        ))}
      </div>
      {hint && (
        <p id={hintId} className="field-hint">
          {hint}
        </p>
      )}
    </fieldset>
  );
}
