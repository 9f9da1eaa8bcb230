import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, ask } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { TextArea } from "../../parts/Field";
import { Notice } from "../../parts/Notice";
import { rowOf } from "../devices/list";
import { DeviceLink } from "../updates/ReasonTable";
import { idsOf, NAMED_MAX } from "./target";

/** How many of the ids are looked up while they are typed; the dry run looks at all. */
const LOOKED_UP = 100;

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
      {named.length > 0 && project && <Known ids={named} project={project} kind={kind} />}
    </>
  );
}

/** What is known of the first of them. */
function Known({
  ids,
  project,
  kind,
}: {
  ids: readonly string[];
  project: string;
  kind: string | undefined;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  const asked = ids.slice(0, LOOKED_UP);
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
  return (
    <>
      <ul className="row" aria-label={text.matches}>
        {found.data.slice(0, SHOWN).map((row) => (
          <li key={row.key} className="chip">
            <DeviceLink project={row.project} id={row.id} name={row.name} />
          </li>
        ))}
        {ids.length > SHOWN && <li className="quiet">…</li>}
      </ul>
      {!found.isPlaceholderData && unknown > 0 && (
        <Notice tone="warn">{text.unknownIds(formats.number(unknown))}</Notice>
      )}
      {others > 0 && <Notice tone="warn">{text.otherKind(formats.number(others))}</Notice>}
    </>
  );
}
