import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useText } from "../i18n";
import { projects, useProject } from "../layout/project";
import { Loaded } from "./Loading";
import { Empty } from "./Notice";

/** The most projects that are offered here; more are in the navigation's choice. */
const OFFERED_MAX = 50;

/** The one project that a view is about: the chosen one, or the only one that there is. */
export function useOnlyProject(): string | undefined {
  const chosen = useProject();
  const { data } = useQuery(projects);
  return chosen ?? (data?.length === 1 ? data[0]?.id : undefined);
}

/** What is about one project: drawn for it, or a choice of one before. */
export function OneProject({ children }: { children: (project: string) => ReactNode }) {
  const { parts } = useText();
  const project = useOnlyProject();
  const query = useQuery(projects);
  if (project !== undefined) {
    // What is typed for one project is not for another.
    return (
      <div key={project} className="column">
        {children(project)}
      </div>
    );
  }
  return (
    <Loaded query={query}>
      {(all) => (
        <Empty
          action={
            <ul className="row">
              {all.slice(0, OFFERED_MAX).map((each) => (
                <li key={each.id}>
                  <Link
                    to="."
                    search={(search) => ({ ...search, project: each.id })}
                    className="button"
                  >
                    {each.name === each.id ? each.id : `${each.name} (${each.id})`}
                  </Link>
                </li>
              ))}
            </ul>
          }
        >
          {all.length === 0 ? parts.noProject : parts.chooseProject}
        </Empty>
      )}
    </Loaded>
  );
}
