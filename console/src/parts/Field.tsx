import {
  type InputHTMLAttributes,
  type ReactNode,
  type SelectHTMLAttributes,
  type TextareaHTMLAttributes,
  useId,
} from "react";

type Around = {
  label: ReactNode;
  hint?: ReactNode;
  /** Why what is in it can't be taken. */
  error?: ReactNode;
  /** The label is read out and not shown. */
  isLabelHidden?: boolean;
};

/** A label, a control, a hint and an error that belong together for who sees and who hears. */
function Field({
  label,
  hint,
  error,
  isLabelHidden,
  children,
}: Around & {
  children: (wiring: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": true | undefined;
  }) => ReactNode;
}) {
  const id = useId();
  const hintId = hint ? `${id}-hint` : undefined;
  const errorId = error ? `${id}-error` : undefined;
  const describedBy = [hintId, errorId].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id} className={isLabelHidden ? "heard" : undefined}>
        {label}
      </label>
      {children({
        id,
        "aria-describedby": describedBy,
        "aria-invalid": error ? true : undefined,
      })}
      {hint && (
        <p id={hintId} className="field-hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={errorId} className="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

/** A line of text. */
export function TextField({
  label,
  hint,
  error,
  isLabelHidden,
  ...rest
}: Around & InputHTMLAttributes<HTMLInputElement>) {
  return (
    <Field label={label} hint={hint} error={error} isLabelHidden={isLabelHidden}>
      {(wiring) => <input autoComplete="off" {...rest} {...wiring} className="input" />}
    </Field>
  );
}

/** Several lines of text. */
export function TextArea({
  label,
  hint,
  error,
  isLabelHidden,
  ...rest
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  return (
    <Field label={label} hint={hint} error={error} isLabelHidden={isLabelHidden}>
      {(wiring) => <textarea {...rest} {...wiring} className="input" />}
    </Field>
  );
}

/** One of some choices. */
export function SelectField({
  label,
  hint,
  error,
  isLabelHidden,
  choices,
  ...rest
}: Around &
  Omit<SelectHTMLAttributes<HTMLSelectElement>, "children"> & {
    choices: readonly { value: string; label: string }[];
  }) {
  return (
    <Field label={label} hint={hint} error={error} isLabelHidden={isLabelHidden}>
      {(wiring) => (
        <select {...rest} {...wiring} className="input">
          {choices.map((choice) => (
            <option key={choice.value} value={choice.value}>
              {choice.label}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** Yes or no. */
export function CheckField({
  label,
  ...rest
}: { label: ReactNode } & Omit<InputHTMLAttributes<HTMLInputElement>, "type">) {
  return (
    <label className="check">
      <input type="checkbox" {...rest} />
      <span>{label}</span>
    </label>
  );
}
