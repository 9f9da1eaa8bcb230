import { useRef, useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Empty, Notice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import "../../styles/import.css";
import { sizeOf } from "../../parts/size";
import { Sending } from "./Sending";
import { FILE_BYTES_MAX, type Source, sourceOf, Unreadable } from "./source";

/** Puts devices on record from a file. */
export function Import() {
  const { importing: text } = useText();
  const formats = useFormats();
  const project = useProject();
  const isOperator = useMay("operator", project);
  const [source, setSource] = useState<Source>();
  // A file that is chosen again is another one, even if nothing of it differs.
  const [count, setCount] = useState(0);
  const [problem, setProblem] = useState<string>();
  const [isReading, setReading] = useState(false);
  // While a file is sent no other takes its place: nobody would be told what came of it.
  const [isSending, setSending] = useState(false);
  // What is read slowly does not come after what was chosen later.
  const turn = useRef(0);
  const chooser = useRef<HTMLInputElement>(null);

  const say = (error: unknown) => {
    if (!(error instanceof Unreadable)) {
      return text.unreadable;
    }
    const line = formats.number(error.line);
    const told = {
      too_large: text.tooLarge,
      line_too_long: text.lineTooLong(line),
      no_list: text.noList(line),
      spreadsheet: text.spreadsheet,
      no_text: text.noText,
    };
    return told[error.why];
  };
  const read = async (file: File) => {
    turn.current += 1;
    const mine = turn.current;
    setProblem(undefined);
    setSource(undefined);
    setReading(true);
    const found = await readSource(file).catch((error: unknown) => say(error));
    if (turn.current !== mine) {
      return;
    }
    setReading(false);
    if (typeof found === "string") {
      setProblem(found);
    } else {
      setSource(found);
      setCount((before) => before + 1);
    }
  };
  if (!isOperator) {
    return (
      <Page title={text.title} note={text.note}>
        <Empty>{text.noRight}</Empty>
      </Page>
    );
  }
  return (
    <Page title={text.title} note={text.note}>
      <Card
        title={text.file}
        actions={
          source && (
            <Button disabled={isSending} onClick={() => chooser.current?.click()}>
              {text.another}
            </Button>
          )
        }
      >
        <input
          ref={chooser}
          type="file"
          hidden
          aria-label={text.file}
          accept=".csv,.json,.jsonl,.ndjson,text/csv,application/json,application/x-ndjson"
          onChange={(event) => {
            const [file] = event.target.files ?? [];
            // The same file can be chosen again once it was mended.
            event.target.value = "";
            if (file) {
              void read(file);
            }
          }}
        />
        {/* biome-ignore lint/a11y/noStaticElementInteractions: the button in it does the same */}
        <div
          className="import-drop"
          data-compact={source !== undefined}
          onDragOver={(event) => event.preventDefault()}
          onDrop={(event) => {
            event.preventDefault();
            const [file] = event.dataTransfer.files;
            if (file && !isSending) {
              void read(file);
            }
          }}
        >
          {source ? (
            <p className="break">
              <strong>{source.name}</strong>{" "}
              <span className="quiet">
                {text.about(
                  text.kind[source.kind],
                  formats.number(source.lines.length),
                  sizeOf(source.bytes.length, formats.number),
                )}
                {source.pieces.length > 1 &&
                  `, ${text.pieces(formats.number(source.pieces.length))}`}
              </span>
            </p>
          ) : (
            <>
              <p>{text.drop}</p>
              <Button kind="primary" isBusy={isReading} onClick={() => chooser.current?.click()}>
                {text.choose}
              </Button>
            </>
          )}
        </div>
        {isReading && <Notice tone="busy">{text.reading}</Notice>}
        {problem && <Notice tone="bad">{problem}</Notice>}
        {!source && <Templates />}
      </Card>
      {source && <Sending key={count} source={source} onSending={setSending} />}
    </Page>
  );
}

/** Reads a file that was chosen. */
async function readSource(file: File): Promise<Source> {
  if (file.size > FILE_BYTES_MAX) {
    throw new Unreadable("too_large");
  }
  return sourceOf(file.name, new Uint8Array(await file.arrayBuffer()));
}

/** Files to begin with. */
function Templates() {
  const { importing: text } = useText();
  const templates = [
    { kind: "phone", format: "csv", label: text.templatePhone },
    { kind: "camera", format: "csv", label: text.templateCamera },
    { kind: "phone", format: "jsonl", label: text.templatePhoneJson },
    { kind: "camera", format: "jsonl", label: text.templateCameraJson },
  ];
  return (
    <p className="row">
      <span className="quiet">{text.templates}</span>
      {templates.map(({ kind, format, label }) => (
        <a
          key={label}
          href={`/api/v1/devices/import/template?kind=${kind}&format=${format}`}
          download={`${kind}s.${format}`}
        >
          {label}
        </a>
      ))}
    </p>
  );
}
