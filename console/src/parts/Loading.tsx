import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import { ProblemNotice } from "./Notice";

/** Holds the place of what is being loaded, as high as that will be, so that nothing jumps. */
export function Skeleton({ height, width = "100%" }: { height: number; width?: string | number }) {
  const { parts } = useText();
  return (
    <span className="skeleton" style={{ height, width }} role="status">
      <span className="heard">{parts.loading}</span>
    </span>
  );
}

/**
 * What a query gives, once it is there: a place of `height` pixels before, and the problem if it
 * failed, above what is known from before.
 */
export function Loaded<T>({
  query,
  height = 240,
  children,
}: {
  query: UseQueryResult<T>;
  height?: number;
  children: (data: T) => ReactNode;
}) {
  const problem = query.isError && (
    <ProblemNotice error={query.error} retry={() => void query.refetch()} />
  );
  if (query.data !== undefined) {
    return (
      <>
        {problem}
        {children(query.data)}
      </>
    );
  }
  return problem || <Skeleton height={height} />;
}

/** What went wrong with the first of several queries that failed, and a way to try all those again. */
export function FailedNotice({ queries }: { queries: readonly UseQueryResult[] }) {
  const failed = queries.filter((query) => query.isError);
  const [first] = failed;
  const retry = () => {
    for (const query of failed) {
      void query.refetch();
    }
  };
  return first && <ProblemNotice error={first.error} retry={retry} />;
}
