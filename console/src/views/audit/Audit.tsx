import {
  type InfiniteData,
  keepPreviousData,
  useInfiniteQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, ask } from "../../api/client";
import type { components } from "../../api/schema";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { useProject } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { SelectField, TextField } from "../../parts/Field";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { Ago, Moment } from "../../parts/Time";
import { useTyped } from "../../parts/typed";
import "../../styles/audit.css";
import { factsOf, told } from "./detail";
import { Target } from "./Target";

type Act = components["schemas"]["Act"];

/** How many entries are asked for at a time. */
const PAGE = 200;

/** Up to how many pages are read anew where nobody has asked for it: all are, one after the other. */
const PAGES_READ_ANEW = 3;

/** What was done by whom. */
export function Audit() {
  const { audit: text, parts } = useText();
  const isNarrow = useIsNarrow();
  const project = useProject();
  const { actor, action } = useSearch({ strict: false });
  const isAdmin = useMay("admin", project);
  const client = useQueryClient();
  const queryKey = ["audit", { project, actor, action }];
  const query = useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) =>
      ask(
        api.GET("/api/v1/audit", {
          params: { query: { project, actor, action, after: pageParam, limit: PAGE } },
        }),
      ),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page) => page.next ?? undefined,
    placeholderData: keepPreviousData,
    refetchOnWindowFocus: ({ state }) => (state.data?.pages.length ?? 0) <= PAGES_READ_ANEW,
    enabled: isAdmin,
  });
  const refresh = () => {
    // What is new is on the first page: those behind it are loaded again as one comes to them.
    client.setQueryData<InfiniteData<unknown>>(queryKey, (before) => before && firstOf(before));
    void query.refetch();
  };
  const [opened, setOpened] = useState<Act>();
  const words: Record<string, string> = text.action;
  const wordOf = (act: Act) => words[act.action] ?? act.action;
  if (!isAdmin) {
    return (
      <Page title={text.title}>
        <Empty>{parts.forbidden}</Empty>
      </Page>
    );
  }
  const acts = query.data?.pages.flatMap((page) => page.acts) ?? [];
  const columns: Column<Act>[] = [
    {
      id: "when",
      header: text.when,
      width: isNarrow ? "84px" : "190px",
      cell: (act) => (isNarrow ? <Ago at={act.at} /> : <Moment at={act.at} />),
    },
    {
      id: "what",
      header: text.what,
      width: "minmax(130px, 2fr)",
      cell: (act) => (
        <button type="button" className="link-button" onClick={() => setOpened(act)}>
          {wordOf(act)}
        </button>
      ),
    },
    {
      id: "who",
      header: text.who,
      width: "minmax(70px, 1fr)",
      cell: (act) => <span title={act.actor}>{act.actor}</span>,
    },
    {
      id: "target",
      header: text.target,
      width: "minmax(110px, 2fr)",
      isWideOnly: true,
      cell: (act) => <Target act={act} />,
    },
    {
      id: "project",
      header: text.project,
      width: "minmax(90px, 1fr)",
      isWideOnly: true,
      cell: (act) => act.project ?? <span className="quiet">{text.server}</span>,
    },
    {
      id: "detail",
      header: text.detail,
      width: "minmax(110px, 2fr)",
      isWideOnly: true,
      cell: (act) => <span className="quiet small">{told(act.detail)}</span>,
    },
  ];
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        <Button isBusy={query.isRefetching} onClick={refresh}>
          {text.refresh}
        </Button>
      }
    >
      <Filters actor={actor} action={action} />
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton height={540} />}
      {query.data && acts.length === 0 && (
        <Empty>{actor || action ? text.emptyFiltered : text.empty}</Empty>
      )}
      {acts.length > 0 && (
        <Rows
          label={text.title}
          rows={acts}
          rowKey={(act) => String(act.seq)}
          columns={columns}
          isNarrow={isNarrow}
          rowHeight={36}
          height="max(320px, 100dvh - 260px)"
          {...moreOf(query)}
        />
      )}
      {opened && (
        <Details act={opened} word={wordOf(opened)} onClose={() => setOpened(undefined)} />
      )}
    </Page>
  );
}

/** The first page of a list. */
function firstOf<T>({ pages, pageParams }: InfiniteData<T>): InfiniteData<T> {
  return { pages: pages.slice(0, 1), pageParams: pageParams.slice(0, 1) };
}

/** Which entries are shown. They stand in the address. */
function Filters({ actor, action }: { actor: string | undefined; action: string | undefined }) {
  const { audit: text } = useText();
  const navigate = useNavigate();
  const words: Record<string, string> = text.action;
  const isKnown = action === undefined || action in words;
  const choose = (more: { actor?: string; action?: string }) =>
    void navigate({ to: ".", search: (search) => ({ ...search, ...more }), resetScroll: false });
  const who = useTyped(actor ?? "", (typed) => choose({ actor: typed || undefined }));
  const submit = (event: FormEvent) => {
    event.preventDefault();
    who.apply();
  };
  return (
    <form className="audit-filters" onSubmit={submit}>
      <TextField
        label={text.actor}
        placeholder={text.actorHint}
        spellCheck={false}
        autoCapitalize="none"
        value={who.typed}
        onChange={(event) => who.type(event.target.value)}
        onBlur={who.apply}
      />
      <SelectField
        label={text.what}
        value={action ?? ""}
        choices={[
          { value: "", label: text.anyAction },
          ...(isKnown || action === undefined ? [] : [{ value: action, label: action }]),
          ...Object.entries(words).map(([value, label]) => ({ value, label })),
        ]}
        onChange={(event) => {
          who.apply();
          choose({ action: event.target.value || undefined });
        }}
      />
      <div className="row">
        <Button type="submit">{text.apply}</Button>
        {(actor || action) && (
          <Button kind="plain" onClick={() => choose({ actor: undefined, action: undefined })}>
            {text.clear}
          </Button>
        )}
      </div>
    </form>
  );
}

/** All that is on record of an act. */
function Details({ act, word, onClose }: { act: Act; word: string; onClose: () => void }) {
  const { audit: text, parts } = useText();
  return (
    <Dialog title={text.detailOf(word)} onClose={onClose} width={640}>
      <dl className="pairs">
        <dt>{text.when}</dt>
        <dd>
          <Moment at={act.at} />
        </dd>
        <dt>{text.who}</dt>
        <dd className="break">{act.actor}</dd>
        <dt>{text.what}</dt>
        <dd>
          <code>{act.action}</code>
        </dd>
        <dt>{text.target}</dt>
        <dd className="break">
          <Target act={act} />
        </dd>
        <dt>{text.project}</dt>
        <dd>{act.project ?? text.server}</dd>
        {factsOf(act.detail).map(([name, value]) => (
          <div key={name} className="audit-fact">
            <dt>{name}</dt>
            <dd className="break">{value}</dd>
          </div>
        ))}
        <dt>{text.entry}</dt>
        <dd className="numbers">{act.seq}</dd>
      </dl>
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.close}</Button>
      </div>
    </Dialog>
  );
}
