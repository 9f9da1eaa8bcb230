import { useEffect, useId, useRef, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Notice } from "../../parts/Notice";
import { sizeOf } from "../../parts/size";
import { decoded, FILE_BYTES_MAX, FileError, type FileRows, fileOf } from "./csv";
import type { Draft } from "./draft";

/** Devices by a file, each with values of its own. */
export function FileTarget({
  hasPreset,
  file,
  set,
}: {
  hasPreset: boolean;
  file: Draft["file"];
  set: (file: Draft["file"]) => void;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const id = useId();
  const [isOver, setOver] = useState(false);
  const [problem, setProblem] = useState<string>();
  // What is read slowly does not come after what was chosen later, or after the view has gone.
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );
  const take = async (chosen: File | undefined) => {
    if (!chosen) {
      return;
    }
    turn.current += 1;
    const mine = turn.current;
    if (chosen.size > FILE_BYTES_MAX) {
      setProblem(text.fileTooLarge(chosen.name, sizeOf(FILE_BYTES_MAX, formats.number)));
      return;
    }
    const content = await chosen.arrayBuffer().catch(() => undefined);
    if (turn.current === mine) {
      setProblem(content ? undefined : text.fileUnreadable(chosen.name));
      if (content) {
        set({ name: chosen.name, text: decoded(content) });
      }
    }
  };
  return (
    <>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the field inside does the same by keyboard */}
      <div
        className="drop column"
        data-over={isOver}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer.files[0]);
        }}
      >
        <div className="field">
          <label htmlFor={id}>{text.file}</label>
          <input
            id={id}
            type="file"
            accept=".csv,text/csv,text/plain"
            aria-describedby={`${id}-hint`}
            onChange={(event) => {
              const [chosen] = event.target.files ?? [];
              // The same file can be chosen again after it was changed.
              void take(chosen).then(() => {
                event.target.value = "";
              });
            }}
          />
          <p id={`${id}-hint`} className="field-hint">
            {text.fileHint} {text.dropFile} {text.fileExample}:{" "}
            <code>{hasPreset ? "id,number ⏎ phone-1,301" : "id,wm.density ⏎ phone-1,320"}</code>
          </p>
        </div>
      </div>
      {problem && <Notice tone="bad">{problem}</Notice>}
      {file && (
        <div className="row">
          <Read file={file} />
          <Button onClick={() => set(null)}>{text.removeFile}</Button>
        </div>
      )}
    </>
  );
}

/** What was found in the file. */
function Read({ file }: { file: NonNullable<Draft["file"]> }) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  let found: FileRows;
  try {
    found = fileOf(file.text);
  } catch (error) {
    if (!(error instanceof FileError)) {
      throw error;
    }
    const { line, what, detail } = error.fault;
    return (
      <Notice tone="bad">
        {file.name} · {text.line(formats.number(line))}: {text.faults[what](detail)}
      </Notice>
    );
  }
  return (
    <Notice tone="good">
      {text.fileRead(file.name, formats.number(found.devices.length))} · {text.fileColumns}:{" "}
      {found.columns.slice(0, 12).map((column) => (
        <code key={column} className="chip">
          {column}
        </code>
      ))}
    </Notice>
  );
}
