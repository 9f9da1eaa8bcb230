import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api, change } from "../../api/client";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { saveCsv } from "../../parts/csv";
import { OneByOneDialog } from "../../parts/OneByOneDialog";
import { useOneByOne } from "../../parts/one-by-one";
import { countsQuery } from "./query";
import type { Wanted } from "./wanted";

/** Sets the passwords, and says how far it is. */
export function SettingPasswords({
  project,
  wanted,
  overlap,
  onClose,
}: {
  project: string;
  wanted: readonly Wanted[];
  /** For how many seconds the old ones go on working. */
  overlap: number;
  onClose: () => void;
}) {
  const { passwords: text } = useText();
  const client = useQueryClient();
  const run = useOneByOne<Wanted>(
    ({ id, password }) =>
      change((header) =>
        api.PUT("/api/v1/devices/{id}/credentials", {
          params: { path: { id }, query: { project }, header },
          body: { password, overlap_seconds: overlap },
        }),
      ),
    () => {
      void client.invalidateQueries({ queryKey: countsQuery(project).queryKey });
      void client.invalidateQueries({ queryKey: ["devices"] });
    },
  );
  const { begin, undone, isOver } = run;
  useEffect(() => void begin(wanted), [begin, wanted]);
  const title = !isOver
    ? text.runningTitle
    : undone.length === 0
      ? text.doneTitle
      : text.stoppedTitle;
  return (
    <OneByOneDialog
      title={title}
      run={run}
      total={wanted.length}
      told={text.done}
      failed={text.failed}
      undone={text.leaveWhat}
      nameOf={({ id }) => id}
      actions={
        <Button
          onClick={() =>
            saveCsv(`not-set-${project}.csv`, [
              ["id", "password"],
              ...undone.map(({ id, password }) => [id, password]),
            ])
          }
        >
          {text.saveFailed}
        </Button>
      }
      onClose={onClose}
    >
      {(run.progress?.done ?? 0) > 0 && <p>{text.afterwards}</p>}
    </OneByOneDialog>
  );
}
