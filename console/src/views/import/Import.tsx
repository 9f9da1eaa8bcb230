import { useEffect, useRef, useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Empty, Notice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import "../../styles/import.css";
import { sizeOf } from "../../parts/size";
import { Pace } from "./pace";
import { Sending } from "./Sending";
import { FILE_BYTES_MAX, type Source, sourceOfFile, Unreadable } from "./source";

/** Puts devices on record from a file. */
export function Import() {
  const { importing: text, parts } = useText();
  const formats = useFormats();
  const project = useProject();
  const isOperator = useMay("operator", project);
  const [source, setSource] = useState<Source>();
  // A file that is chosen again is another one, even if nothing of it differs.
  const [count, setCount] = useState(0);
  const [problem, setProblem] = useState<string>();
  // Which part of the file is read, while it is.
  const [part, setPart] = useState<number>();
  // While a file is sent no other takes its place: nobody would be told what came of it.
  const [isSending, setSending] = useState(false);
  // What is read slowly does not come after what was chosen later.
  const reading = useRef<AbortController>(undefined);
  useEffect(() => () => reading.current?.abort(), []);
  const chooser = useRef<HTMLInputElement>(null);

  const say = (error: unknown, file: File) => {
    if (!(error instanceof Unreadable)) {
      return text.unreadable;
    }
    const line = formats.number(error.line);
    const told = {
      too_large: text.tooLarge(
        sizeOf(file.size, formats.number),
        sizeOf(FILE_BYTES_MAX, formats.number),
      ),
      line_too_long: text.lineTooLong(line),
      no_list: text.noList(line),
      spreadsheet: text.spreadsheet,
      no_text: text.noText,
      both: text.eitherCharset,
      unlikely: text.otherCharset,
    };
    return told[error.why];
  };
  const read = async (file: File) => {
    reading.current?.abort();
    const mine = new AbortController();
    reading.current = mine;
    setProblem(undefined);
    setSource(undefined);
    setPart(0);
    const pace = new Pace(mine.signal, (done) => {
      if (!mine.signal.aborted) {
        // As it is shown: what shows no difference draws nothing.
        setPart(Math.floor(done * 100) / 100);
      }
    });
    const found = await sourceOfFile(file, pace).catch((error: unknown) => say(error, file));
    if (mine.signal.aborted) {
      return;
    }
    setPart(undefined);
    if (typeof found === "string") {
      setProblem(found);
    } else {
      setSource(found);
      setCount((before) => before + 1);
    }
  };
  const stopReading = () => {
    reading.current?.abort();
    setPart(undefined);
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
                  source.charset
                    ? text.ofCharset(text.kind.csv, source.charset.toUpperCase())
                    : text.kind[source.kind],
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
              <Button
                kind="primary"
                isBusy={part !== undefined}
                onClick={() => chooser.current?.click()}
              >
                {text.choose}
              </Button>
            </>
          )}
        </div>
        {part !== undefined && (
          <Notice tone="busy" actions={<Button onClick={stopReading}>{parts.cancel}</Button>}>
            {text.reading(formats.number(Math.floor(part * 100)))}
          </Notice>
        )}
        {problem && <Notice tone="bad">{problem}</Notice>}
        {!source && <Templates />}
      </Card>
      {source && <Sending key={count} source={source} onSending={setSending} />}
    </Page>
  );
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
