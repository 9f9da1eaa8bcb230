import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, ask } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { TextArea } from "../../parts/Field";
import { Notice } from "../../parts/Notice";
import { rowOf } from "../devices/list";
import { DeviceLink } from "../updates/ReasonTable";
import { idsOf, NAMED_MAX } from "./target";

/** How many of the ids are looked up as they are typed; the dry run looks at all. */
const LOOKED_UP = 100;

/** How long typing has to rest before that. */
const RESTS_FOR_MS = 300;

/** How many of them are named. */
const SHOWN = 12;

/** Devices that are named. */
export function ListTarget({
  project,
  kind,
  ids,
  setIds,
}: {
  project: string | undefined;
  kind: string | undefined;
  ids: string;
  setIds: (text: string) => void;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const named = idsOf(ids);
  const known = useRested(named.slice(0, LOOKED_UP));
  return (
    <>
      <TextArea
        label={text.ids}
        hint={text.idsHint(formats.number(NAMED_MAX))}
        error={named.length > NAMED_MAX ? text.lacks.tooMany : undefined}
        rows={4}
        spellCheck={false}
        value={ids}
        onChange={(event) => setIds(event.target.value)}
      />
      {named.length > 0 && <p aria-live="polite">{text.idsCount(formats.number(named.length))}</p>}
      {known.length > 0 && project && (
        <Known ids={known} hasMore={named.length > known.length} project={project} kind={kind} />
      )}
    </>
  );
}

/** Ids as they were when typing last rested: what is half typed is known of nobody. */
function useRested(ids: string[]): string[] {
  const [rested, setRested] = useState(ids);
  const now = ids.join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the same ids are another list each time
  useEffect(() => {
    const due = setTimeout(() => setRested(ids), RESTS_FOR_MS);
    return () => clearTimeout(due);
  }, [now]);
  return rested;
}

/** What is known of the first of them. */
function Known({
  ids: asked,
  hasMore,
  project,
  kind,
}: {
  ids: string[];
  /** Whether more are named than these. */
  hasMore: boolean;
  project: string;
  kind: string | undefined;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const found = useQuery({
    queryKey: ["devices", "named", project, asked],
    queryFn: async ({ signal }) => {
      const query = { project, id: asked, limit: LOOKED_UP };
      const page = await ask(api.GET("/api/v1/devices", { params: { query }, signal }));
      return page.devices.map(rowOf);
    },
    placeholderData: keepPreviousData,
  });
  if (!found.data) {
    return null;
  }
  const unknown = asked.length - found.data.length;
  const others = found.data.filter((row) => kind !== undefined && row.kind !== kind).length;
  const of = hasMore ? text.firstIds(formats.number(asked.length)) : "";
  return (
    <>
      {found.data.length > 0 && (
        <ul className="row" aria-label={text.matches}>
          {found.data.slice(0, SHOWN).map((row) => (
            <li key={row.key} className="chip">
              <DeviceLink project={row.project} id={row.id} name={row.name} />
            </li>
          ))}
          {asked.length > SHOWN && <li className="quiet">…</li>}
        </ul>
      )}
      {!found.isPlaceholderData && unknown > 0 && (
        <Notice tone="warn">
          {of} {text.unknownIds(formats.number(unknown))}
        </Notice>
      )}
      {others > 0 && (
        <Notice tone="warn">
          {of} {text.otherKind(formats.number(others))}
        </Notice>
      )}
    </>
  );
}
