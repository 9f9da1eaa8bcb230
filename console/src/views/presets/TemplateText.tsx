import "../../styles/updates.css";
import { partsOf } from "./template";

/** A preset's value, in which what stands for something of a device's own is told apart. */
export function TemplateText({ value }: { value: string }) {
  const parts = partsOf(value);
  let at = 0;
  return (
    <code>
      {parts.map((part) => {
        const key = at;
        at += part.text.length;
        return part.variable ? (
          <span key={key} className="template-variable">
            {part.text}
          </span>
        ) : (
          <span key={key}>{part.text}</span>
        );
      })}
    </code>
  );
}
