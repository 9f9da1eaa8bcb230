import { useEffect, useId, useRef, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { CheckField } from "../../parts/Field";

/**
 * Any number of some choices, behind a button that says which. It opens below the button; Escape
 * and whatever is done elsewhere close it.
 */
export function Choices({
  label,
  choices,
  chosen,
  onChange,
}: {
  label: string;
  choices: readonly { value: string; label: string }[];
  chosen: readonly string[];
  onChange: (chosen: string[]) => void;
}) {
  const { devices: text } = useText();
  const formats = useFormats();
  const id = useId();
  const frame = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [isOpen, setOpen] = useState(false);

  useEffect(() => {
    if (!isOpen) {
      return;
    }
    const close = (event: Event) => {
      if (event.target instanceof Node && !frame.current?.contains(event.target)) {
        setOpen(false);
      }
    };
    document.addEventListener("pointerdown", close);
    document.addEventListener("focusin", close);
    return () => {
      document.removeEventListener("pointerdown", close);
      document.removeEventListener("focusin", close);
    };
  }, [isOpen]);

  const [only] = chosen;
  const told =
    only === undefined
      ? text.any
      : chosen.length > 1
        ? text.several(formats.number(chosen.length))
        : (choices.find((choice) => choice.value === only)?.label ?? only);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes it wherever the focus is inside
    <div
      ref={frame}
      className="choices field"
      onKeyDown={(event) => {
        if (event.key === "Escape" && isOpen) {
          event.stopPropagation();
          setOpen(false);
          button.current?.focus();
        }
      }}
    >
      <span id={`${id}-label`} className="field-label">
        {label}
      </span>
      <button
        ref={button}
        id={`${id}-button`}
        type="button"
        className="input choices-button"
        aria-labelledby={`${id}-label ${id}-button`}
        aria-expanded={isOpen}
        aria-controls={isOpen ? `${id}-list` : undefined}
        onClick={() => setOpen(!isOpen)}
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
              onChange={(event) =>
                onChange(
                  event.target.checked
                    ? [...chosen, value]
                    : chosen.filter((each) => each !== value),
                )
              }
            />
          ))}
        </fieldset>
      )}
    </div>
  );
}
