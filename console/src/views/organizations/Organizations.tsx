import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useEffect, useMemo, useRef, useState } from "react";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { OneProject, useOnlyProject } from "../../parts/OneProject";
import { Card, Page } from "../../parts/Page";
import "../../styles/organizations.css";
import { CreateOrganization } from "./edits";
import { PlaceCard } from "./PlaceCard";
import { organizationsQuery } from "./query";
import { Tree } from "./Tree";
import { find, treeOf } from "./tree";

/** Where a project's cameras and channels are filed. */
export function Organizations() {
  const { organizations: text } = useText();
  const project = useOnlyProject();
  const isAdmin = useMay("admin", project);
  const choose = useChoose(project);
  const [isCreating, setCreating] = useState(false);
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        project !== undefined &&
        isAdmin && (
          <Button kind="primary" onClick={() => setCreating(true)}>
            {text.create}
          </Button>
        )
      }
    >
      <OneProject>{(of) => <OrganizationsOf key={of} project={of} isAdmin={isAdmin} />}</OneProject>
      {isCreating && project !== undefined && (
        <CreateOrganization project={project} onMade={choose} onClose={() => setCreating(false)} />
      )}
    </Page>
  );
}

/**
 * Has an organization shown. It stands in the address: where that is another view's by then, as a
 * change was long under way, it is left alone.
 */
function useChoose(project: string | undefined) {
  const navigate = useNavigate();
  const isLeft = useRef(false);
  useEffect(() => {
    isLeft.current = false;
    return () => {
      isLeft.current = true;
    };
  }, []);
  return (path: string | undefined) => {
    if (!isLeft.current) {
      void navigate({
        to: ".",
        search: (search) => ({ ...search, project, organization: path }),
        replace: true,
        resetScroll: false,
      });
    }
  };
}

function OrganizationsOf({ project, isAdmin }: { project: string; isAdmin: boolean }) {
  const { organizations: text } = useText();
  const formats = useFormats();
  const choose = useChoose(project);
  const { organization: chosen } = useSearch({ strict: false });
  const query = useInfiniteQuery(organizationsQuery(project));
  const all = useMemo(
    () => query.data?.pages.flatMap((page) => page.organizations) ?? [],
    [query.data],
  );
  const tree = useMemo(() => treeOf(all), [all]);
  const total = query.data?.pages.at(-1)?.total ?? 0;
  const place = chosen === undefined ? undefined : find(tree, chosen);
  if (query.isPending) {
    return <Skeleton height={420} />;
  }
  if (query.isError && !query.data) {
    return <ProblemNotice error={query.error} retry={() => void query.refetch()} />;
  }
  if (all.length === 0) {
    return <Empty>{isAdmin ? text.empty : text.emptyForOthers}</Empty>;
  }
  return (
    <div className="organizations">
      <div className="column">
        {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
        <Tree tree={tree} chosen={chosen} onChoose={choose} />
        <div className="row small quiet">
          <span>{text.loaded(formats.number(all.length), formats.number(total))}</span>
          {query.hasNextPage && (
            <Button isBusy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
              {text.loadMore}
            </Button>
          )}
        </div>
      </div>
      {place ? (
        <PlaceCard
          key={place.path}
          project={project}
          place={place}
          isWhole={!query.hasNextPage}
          isAdmin={isAdmin}
          onChoose={choose}
        />
      ) : (
        <Card>
          <Empty>{chosen === undefined ? text.choose : text.gone}</Empty>
        </Card>
      )}
    </div>
  );
}
