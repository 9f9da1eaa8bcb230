import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useEffect, useRef, useState } from "react";
import type { Search } from "../../search";
import { FIRST_PLAN, type PlanForm } from "../updates/plan";
import { IDS_IN_ADDRESS_MAX, idsOf, saysTarget, targetOf } from "./target";

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

/** What is kept over a reload: the draft, and the address that it was for. */
type Kept = { draft: Draft; search: Search };

function kept(): Kept | undefined {
  try {
    const text = sessionStorage.getItem(KEPT_AS);
    const found = text === null ? undefined : (JSON.parse(text) as Partial<Kept>);
    return found?.draft && { draft: { ...EMPTY, ...found.draft }, search: found.search ?? {} };
  } catch {
    // What can't be read is no draft.
    return undefined;
  }
}

function keep(draft: Draft, search: Search): void {
  try {
    sessionStorage.setItem(KEPT_AS, JSON.stringify({ draft, search: targetOf(search) }));
  } catch {
    // A file may be larger than what a browser keeps: the rest is kept without it.
    const without = { draft: { ...draft, file: null }, search: targetOf(search) };
    try {
      sessionStorage.setItem(KEPT_AS, JSON.stringify(without));
    } catch {
      // Nothing is kept then; it is all there until the page is left.
    }
  }
}

/**
 * The address of a new update for these devices. Ids of more than an address holds are put into the
 * draft instead: with them in the address, a reload would be refused for the length of its head.
 */
export function handOver(search: Search): Search {
  const { id: ids = [], ...others } = search;
  if (ids.length <= IDS_IN_ADDRESS_MAX) {
    return search;
  }
  const handed: Search = { ...others, tab: "list" };
  const draft = { ...(kept()?.draft ?? EMPTY), ids: ids.join("\n") };
  keep(draft, handed);
  // Where nothing is kept, they go by the address: the view takes them from it at once.
  return kept()?.draft.ids === draft.ids ? handed : search;
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
  const [draft, setDraft] = useState<Draft>(() => {
    const draft = kept()?.draft ?? EMPTY;
    return search.id ? { ...draft, ids: search.id.join("\n") } : draft;
  });
  const [isLeftover, setLeftover] = useState(() => {
    const found = kept();
    return found !== undefined && isTyped(found.draft);
  });
  const setSearch = useCallback(
    (patch: Search) => {
      void navigate({ to: ".", search: (now) => ({ ...now, ...patch }), replace: true });
    },
    [navigate],
  );

  useEffect(() => {
    const begun = first.current;
    const before = kept();
    if (!saysTarget(begun) && before && saysTarget(before.search)) {
      setSearch({ ...before.search, project: begun.project ?? before.search.project });
    } else if (begun.id && begun.id.length > IDS_IN_ADDRESS_MAX) {
      // They are kept with the draft: no server reads an address of any length.
      setSearch({ id: undefined, tab: "list" });
    }
  }, [setSearch]);

  const isOver = useRef(false);
  const latest = useRef({ draft, search });
  latest.current = { draft, search };
  const save = useCallback(() => {
    if (!isOver.current) {
      keep(latest.current.draft, latest.current.search);
    }
  }, []);
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
