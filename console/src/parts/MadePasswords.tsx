import { useState } from "react";
import { useFormats, useText } from "../i18n";
import { Button } from "./Button";
import { saveCsv } from "./csv";
import { Notice } from "./Notice";
import { useIsNarrow } from "./narrow";
import { Rows } from "./Rows";
import { useStay } from "./stay";

/** A password that was made for a device. */
export type MadePassword = { id: string; password: string };

/**
 * Passwords that were made and are shown once: the first thing to do with them is to download them,
 * and `onKept` is told when that was done.
 */
export function MadePasswords({
  made,
  fileName,
  onKept,
}: {
  made: readonly MadePassword[];
  fileName: string;
  onKept: () => void;
}) {
  const { parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const [isSaved, setSaved] = useState(false);
  useStay(!isSaved, parts.leaveUnsaved);
  const save = () => {
    saveCsv(fileName, [["id", "password"], ...made.map(({ id, password }) => [id, password])]);
    setSaved(true);
    onKept();
  };
  return (
    <div className="column">
      <Notice
        tone="warn"
        actions={
          <Button kind={isSaved ? "normal" : "primary"} onClick={save}>
            {isSaved ? parts.downloadAgain : parts.download}
          </Button>
        }
      >
        <p>{parts.madePasswords(formats.number(made.length))}</p>
        <p>{parts.shownOnce}</p>
      </Notice>
      <Rows
        label={parts.password}
        rows={made}
        rowKey={({ id }) => id}
        rowHeight={32}
        isNarrow={isNarrow}
        height={`min(40vh, ${38 + made.length * 32}px)`}
        columns={[
          {
            id: "id",
            header: parts.deviceId,
            width: "minmax(170px, 1fr)",
            cell: ({ id }) => <code>{id}</code>,
          },
          {
            id: "password",
            header: parts.password,
            width: "minmax(110px, 1fr)",
            cell: ({ password }) => <code>{password}</code>,
          },
        ]}
      />
    </div>
  );
}
