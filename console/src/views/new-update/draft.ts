import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import { useWhoAmI } from "../../api/session";
import type { Search } from "../../search";
import { FIRST_PLAN, type PlanForm } from "../updates/plan";
import { IDS_IN_ADDRESS_MAX, idsOf, saysTarget, targetOf, textOf } from "./target";

/** A value that is typed. */
export type ValueLine = { name: string; value: string };

/** What is typed of an update that is not begun, besides what stands in the address. */
export type Draft = {
  /** The ids, as they were typed. */
  ids: string;
  /** The file that was chosen. */
  file: { name: string; text: string } | null;
  values: ValueLine[];
  variables: Record<string, string>;
  restart: boolean;
  plan: PlanForm;
};

const KEPT_AS = "fleetwright.draft.update";

/** How long typing rests before it is kept; whoever leaves has it kept at once. */
const SAVED_AFTER_MS = 300;

const EMPTY: Draft = {
  ids: "",
  file: null,
  values: [],
  variables: {},
  restart: false,
  plan: FIRST_PLAN,
};

/** What is kept over a reload: the draft, the address that it was for, and whose it is. */
type Kept = { draft: Draft; search: Search; user: string };

/** What is kept of this user's: another may have signed in where one has signed out. */
function kept(user: string): Kept | undefined {
  try {
    const text = sessionStorage.getItem(KEPT_AS);
    const found = text === null ? undefined : (JSON.parse(text) as Partial<Kept>);
    if (!found?.draft || found.user !== user) {
      return undefined;
    }
    return { draft: { ...EMPTY, ...found.draft }, search: found.search ?? {}, user };
  } catch {
    // What can't be read is no draft.
    return undefined;
  }
}

function keep({ draft, search, user }: Kept): void {
  const all = { draft, search: targetOf(search), user };
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify(all));
  } catch {
    // A file may be larger than what a browser keeps: the rest is kept without it.
    try {
      sessionStorage.setItem(KEPT_AS, JSON.stringify({ ...all, draft: { ...draft, file: null } }));
    } catch {
      // Nothing is kept then; it is all there until the page is left.
    }
  }
}

/**
 * The address of a new update for these devices. Ids of more than an address holds are put into the
 * draft of this user instead: with them in the address, a reload would be refused for the length of
 * its head.
 */
export function handOver(search: Search, user: string): Search {
  const { id: ids = [], ...others } = search;
  if (ids.length <= IDS_IN_ADDRESS_MAX) {
    return search;
  }
  const handed: Search = { ...others, tab: "list" };
  const draft = { ...(kept(user)?.draft ?? EMPTY), ids: textOf(ids) };
  keep({ draft, search: handed, user });
  // Where nothing is kept, they go by the address: the view takes them from it at once.
  return kept(user)?.draft.ids === draft.ids ? handed : search;
}

/** Whose drafts are kept here: the user's who has signed in. */
export function useUser(): string {
  return useWhoAmI()?.user ?? "";
}

/** Whether anything was typed. */
function isTyped(draft: Draft): boolean {
  return (
    draft.values.length > 0 ||
    draft.restart ||
    draft.file !== null ||
    Object.values(draft.variables).some((value) => value !== "")
  );
}

/**
 * The update that is being put together. What devices it is for and its preset stand in the
 * address; the rest is kept for as long as the browser's tab, so that a reload loses nothing.
 */
export function useDraft() {
  const search = useSearch({ strict: false });
  const navigate = useNavigate();
  const first = useRef(search);
  // Whoever signs out is nobody before the view has gone.
  const now = useUser();
  const [user] = useState(now);
  const [before] = useState(() => kept(user));
  const [draft, setDraft] = useState<Draft>(() => {
    const draft = before?.draft ?? EMPTY;
    // As they were typed, if they are the same.
    const isOther = search.id && textOf(search.id) !== textOf(idsOf(draft.ids));
    return isOther ? { ...draft, ids: textOf(search.id ?? []) } : draft;
  });
  const [isLeftover, setLeftover] = useState(before !== undefined && isTyped(before.draft));
  const setSearch = useCallback(
    (patch: Search) => {
      void navigate({ to: ".", search: (now) => ({ ...now, ...patch }), replace: true });
    },
    [navigate],
  );

  useEffect(() => {
    const begun = first.current;
    // Devices of one project are none of another.
    const isOfIt = begun.project === undefined || begun.project === before?.search.project;
    if (!saysTarget(begun) && before && saysTarget(before.search) && isOfIt) {
      setSearch(before.search);
    } else if (begun.id && begun.id.length > IDS_IN_ADDRESS_MAX) {
      // They are kept with the draft: no server reads an address of any length.
      setSearch({ id: undefined, tab: "list" });
    }
  }, [setSearch, before]);

  const isOver = useRef(false);
  const latest = useRef({ draft, search });
  latest.current = { draft, search };
  const save = useCallback(() => {
    if (!isOver.current) {
      keep({ ...latest.current, user });
    }
  }, [user]);
  // A file may be long: it is not written with each letter that is typed elsewhere.
  // biome-ignore lint/correctness/useExhaustiveDependencies: what has changed is what is saved
  useEffect(() => {
    const due = setTimeout(save, SAVED_AFTER_MS);
    return () => clearTimeout(due);
  }, [draft, search, save]);
  useEffect(() => {
    window.addEventListener("pagehide", save);
    return () => {
      window.removeEventListener("pagehide", save);
      save();
    };
  }, [save]);

  const set = useCallback((patch: Partial<Draft>) => {
    setDraft((now) => ({ ...now, ...patch }));
  }, []);
  const setIds = useCallback(
    (text: string) => {
      const ids = idsOf(text);
      setDraft((now) => ({ ...now, ids: text }));
      const isShort = ids.length > 0 && ids.length <= IDS_IN_ADDRESS_MAX;
      setSearch({ tab: "list", id: isShort ? ids : undefined });
    },
    [setSearch],
  );
  /** Begins anew, for the same devices. */
  const forget = useCallback(() => {
    sessionStorage.removeItem(KEPT_AS);
    setLeftover(false);
    setDraft((now) => ({ ...EMPTY, ids: now.ids }));
    setSearch({ preset: undefined });
  }, [setSearch]);
  /** It has begun: nothing of it is kept. */
  const finish = useCallback(() => {
    isOver.current = true;
    sessionStorage.removeItem(KEPT_AS);
  }, []);
  return { search, setSearch, draft, set, setIds, forget, finish, isLeftover };
}
