import { type KeyboardEvent, useId } from "react";
import { useFormats, useText } from "../../i18n";
import { CheckField } from "../../parts/Field";
import { usePopover } from "../../parts/popover";

/** Any number of some choices, behind a button that says which. */
export function Choices({
  label,
  choices,
  chosen,
  onToggle,
}: {
  label: string;
  choices: readonly { value: string; label: string }[];
  chosen: readonly string[];
  onToggle: (value: string, isChosen: boolean) => void;
}) {
  const { devices: text } = useText();
  const formats = useFormats();
  const id = useId();
  const { frame, isOpen, toggle } = usePopover();
  // Down opens it; up and down go from choice to choice, as Tab does.
  const move = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step === undefined) {
      return;
    }
    event.preventDefault();
    if (!isOpen) {
      toggle();
    }
    const boxes = [...(frame.current?.querySelectorAll("input") ?? [])];
    const from = event.target instanceof HTMLInputElement ? boxes.indexOf(event.target) : -1;
    boxes[Math.min(boxes.length - 1, Math.max(0, from + step))]?.focus();
  };
  const [only] = chosen;
  const told =
    only === undefined
      ? text.any
      : chosen.length > 1
        ? text.several(formats.number(chosen.length))
        : (choices.find((choice) => choice.value === only)?.label ?? only);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the keys are those of what is in it
    <div ref={frame} className="choices field" onKeyDown={move}>
      <span id={`${id}-label`} className="field-label">
        {label}
      </span>
      <button
        id={`${id}-button`}
        type="button"
        className="input choices-button"
        aria-labelledby={`${id}-label ${id}-button`}
        aria-expanded={isOpen}
        aria-controls={isOpen ? `${id}-list` : undefined}
        onClick={toggle}
      >
        <span>{told}</span>
      </button>
      {isOpen && (
        <fieldset id={`${id}-list`} className="choices-list" aria-labelledby={`${id}-label`}>
          {choices.map(({ value, label }) => (
            <CheckField
              key={value}
              label={label}
              checked={chosen.includes(value)}
              onChange={(event) => onToggle(value, event.target.checked)}
            />
          ))}
        </fieldset>
      )}
    </div>
  );
}
