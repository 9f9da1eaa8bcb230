import { useInfiniteQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { serverNow } from "../../api/clock";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Badge, type Tone } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { CameraBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { useTyped } from "../../parts/typed";
import { type Camera, camerasQuery, collect, type Filter, isShort } from "./query";
import { type Asked, Rotation } from "./Rotation";
import { ROTATED_MAX } from "./wanted";

const USE_TONES: Record<string, Tone> = { current: "good", old: "warn", not_renewed: "busy" };

/** How often the list is read anew at most. */
const READ_EVERY_MS = 3_000;

/** What the list can be narrowed to. */
const VIEWS = ["all", "current", "old", "not_renewed", "offline"] as const;

type View = (typeof VIEWS)[number];

/** Which view an address means. */
function viewOf(filter: Filter): View {
  const [use] = filter.credentials ?? [];
  return VIEWS.find((view) => view === use) ?? (filter.status ? "offline" : "all");
}

/** The filter of a view. */
function filterOf(view: View): Pick<Filter, "credentials" | "status"> {
  return {
    credentials: view === "all" || view === "offline" ? undefined : [view],
    status: view === "offline" ? ["OffLine", "Register"] : undefined,
  };
}

/** The cameras of a project, which password each uses, and the choice of those that get another. */
export function Cameras({ project }: { project: string }) {
  const { passwords: text, parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const isOperator = useMay("operator", project);
  const { text: typed, organization, status, credentials } = useSearch({ strict: false });
  const filter: Filter = { text: typed, organization, status, credentials };
  const query = useInfiniteQuery(camerasQuery(project, filter));
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const [asked, setAsked] = useState<Asked>();
  const all = useCollected(project, filter, (ids) =>
    setAsked({ cameras: ids.map((id) => ({ id })) }),
  );
  const cameras = query.data?.pages.flatMap((page) => page.cameras) ?? [];
  // One that is listed no more, as it has changed over, is meant no more.
  const ids = cameras.map((camera) => camera.id).filter((id) => chosen.has(id));
  useLive(
    isShort(query.data) ? [camerasQuery(project, filter).queryKey] : [],
    ({ devices }) => [...devices].some((device) => device.startsWith(`${project}/`)),
    READ_EVERY_MS,
  );
  // What is not in sight any more is not meant any more.
  const narrowedTo = JSON.stringify(filter);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another filter begins another choice
  useEffect(() => {
    setChosen(new Set());
    all.stop();
  }, [narrowedTo]);
  const columns: Column<Camera>[] = [
    {
      id: "camera",
      header: text.camera,
      width: "minmax(158px, 1fr)",
      cell: (camera) => (
        <Link
          to="/ui/devices/$project/$id"
          params={{ project, id: camera.id }}
          search={{ project }}
        >
          <code>{camera.id}</code>
        </Link>
      ),
    },
    {
      id: "uses",
      header: text.uses,
      width: "minmax(96px, 130px)",
      cell: (camera) => <UseBadge camera={camera} />,
    },
    {
      id: "name",
      header: text.name,
      width: "minmax(100px, 1fr)",
      isWideOnly: true,
      cell: (camera) => <span title={camera.name}>{camera.name}</span>,
    },
    {
      id: "status",
      header: text.status,
      width: "minmax(110px, 160px)",
      isWideOnly: true,
      cell: (camera) => <CameraBadge status={camera.status} />,
    },
    {
      id: "changed",
      header: text.changed,
      width: "minmax(80px, 120px)",
      isWideOnly: true,
      cell: (camera) => <Ago at={camera.changedAt} />,
    },
    {
      id: "until",
      header: text.until,
      width: "minmax(100px, 140px)",
      isWideOnly: true,
      cell: ({ overlapUntil }) =>
        overlapUntil &&
        (Date.parse(overlapUntil) > serverNow() ? (
          <Ago at={overlapUntil} />
        ) : (
          <span className="quiet">{text.expired}</span>
        )),
    },
  ];
  return (
    <Card
      title={text.cameras}
      actions={
        isOperator && (
          <>
            {ids.length > 0 ? (
              <Button
                kind="primary"
                onClick={() => setAsked({ cameras: ids.map((id) => ({ id })) })}
              >
                {text.rotate(formats.number(ids.length))}
              </Button>
            ) : (
              <Button
                kind="primary"
                isBusy={all.isCollecting}
                disabled={cameras.length === 0 || query.isPlaceholderData}
                onClick={all.begin}
              >
                {text.rotateAll}
              </Button>
            )}
            <Button onClick={() => setAsked({})}>{text.rotateList}</Button>
          </>
        )
      }
    >
      {!isOperator && <p className="quiet">{text.readOnly}</p>}
      <Filters filter={filter} />
      {all.isCollecting && (
        <Notice tone="busy" actions={<Button onClick={all.stop}>{parts.cancel}</Button>}>
          {text.collecting}: {text.collected(formats.number(all.found))}
        </Notice>
      )}
      {all.isTooMany && <Notice tone="bad">{text.tooMany(formats.number(ROTATED_MAX))}</Notice>}
      {all.error !== undefined && <ProblemNotice error={all.error} />}
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton height={420} />}
      {query.data && (
        <p className="small quiet numbers">
          {query.isPlaceholderData
            ? parts.loading
            : text.listed(formats.number(cameras.length), query.hasNextPage)}
        </p>
      )}
      {query.data && cameras.length === 0 && (
        <Empty>{query.isPlaceholderData ? parts.loading : text.emptyList}</Empty>
      )}
      {cameras.length > 0 && (
        <Rows
          label={text.cameras}
          rows={cameras}
          rowKey={(camera) => camera.id}
          columns={columns}
          rowHeight={36}
          isNarrow={isNarrow}
          height={`min(60vh, ${38 + cameras.length * 36}px)`}
          choice={
            isOperator ? { chosen: new Set(ids), set: setChosen, name: (id) => id } : undefined
          }
          {...moreOf(query)}
        />
      )}
      {asked && (
        <Rotation
          project={project}
          asked={asked}
          onClose={() => {
            setAsked(undefined);
            setChosen(new Set());
          }}
        />
      )}
    </Card>
  );
}

/** Which password a camera uses. */
function UseBadge({ camera }: { camera: Camera }) {
  const { passwords: text } = useText();
  const words: Record<string, string> = text.use;
  if (!camera.hasPassword) {
    return <Badge tone="bad">{text.noPassword}</Badge>;
  }
  return camera.uses ? (
    <Badge tone={USE_TONES[camera.uses] ?? "none"}>{words[camera.uses] ?? camera.uses}</Badge>
  ) : (
    <span className="quiet">{text.use.offline}</span>
  );
}

/** What the list is narrowed to. It stands in the address. */
function Filters({ filter }: { filter: Filter }) {
  const { passwords: text } = useText();
  const navigate = useNavigate();
  const narrow = (more: Filter) =>
    void navigate({
      to: ".",
      search: (search) => ({ ...search, ...more }),
      replace: true,
      resetScroll: false,
    });
  const words = useTyped(filter.text ?? "", (typed) => narrow({ text: typed || undefined }));
  const organization = useTyped(filter.organization ?? "", (typed) =>
    narrow({ organization: typed || undefined }),
  );
  return (
    <form
      className="passwords-filters"
      onSubmit={(event) => {
        event.preventDefault();
        words.apply();
        organization.apply();
      }}
    >
      <SelectField
        label={text.show}
        value={viewOf(filter)}
        choices={VIEWS.map((view) => ({ value: view, label: text[view] }))}
        onChange={({ target }) =>
          narrow(filterOf(VIEWS.find((view) => view === target.value) ?? "all"))
        }
      />
      <TextField
        label={text.inOrganization}
        hint={text.organizationHint}
        value={organization.typed}
        onChange={(event) => organization.type(event.target.value)}
        onBlur={organization.apply}
      />
      <TextField
        label={text.find}
        hint={text.findHint}
        type="search"
        value={words.typed}
        onChange={(event) => words.type(event.target.value)}
        onBlur={words.apply}
      />
      {/* Enter in a field takes a button to send the form. */}
      <button type="submit" hidden tabIndex={-1} />
    </form>
  );
}

/** Collects all cameras that the list means, which may be many more than it has loaded. */
function useCollected(project: string, filter: Filter, onDone: (ids: string[]) => void) {
  const [state, setState] = useState<{
    isCollecting: boolean;
    isTooMany: boolean;
    found: number;
    error?: unknown;
  }>({ isCollecting: false, isTooMany: false, found: 0 });
  const turn = useRef(0);
  useEffect(
    () => () => {
      turn.current += 1;
    },
    [],
  );
  const idle = { isCollecting: false, isTooMany: false, found: 0 };
  const begin = async () => {
    turn.current += 1;
    const mine = turn.current;
    const isOver = () => turn.current !== mine;
    setState({ ...idle, isCollecting: true });
    try {
      const ids = await collect(
        project,
        filter,
        (found) => !isOver() && setState({ ...idle, isCollecting: true, found }),
        isOver,
      );
      if (!isOver()) {
        setState({ ...idle, isTooMany: ids === undefined });
        if (ids) {
          onDone(ids);
        }
      }
    } catch (error) {
      if (!isOver()) {
        setState({ ...idle, error });
      }
    }
  };
  return {
    ...state,
    begin: () => void begin(),
    stop: () => {
      turn.current += 1;
      setState(idle);
    },
  };
}
