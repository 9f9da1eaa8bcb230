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
 * What a query gives, once it is there: a place of `height` pixels before, the problem if it failed
 * and nothing is known from before.
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
  if (query.data !== undefined) {
    return <>{children(query.data)}</>;
  }
  if (query.isError) {
    return <ProblemNotice error={query.error} retry={() => void query.refetch()} />;
  }
  return <Skeleton height={height} />;
}
