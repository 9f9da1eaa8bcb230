import { useQueries } from "@tanstack/react-query";
import { Link, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import type { components } from "../../api/schema";
import { useIsServerAdmin } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useAdministered } from "../../layout/administered";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { FailedNotice, Loaded, Skeleton } from "../../parts/Loading";
import { Empty, Notice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { CreateUser } from "./CreateUser";
import { Matrix } from "./Matrix";
import { usersQuery } from "./query";
import { UserPage } from "./UserPage";

type User = components["schemas"]["User"];

/** Who may sign in, and what each may do. One user is shown where the address names one. */
export function Users() {
  const [name] = useSearch({ strict: false }).id ?? [];
  return name === undefined ? <AllUsers /> : <UserPage key={name} name={name} />;
}

function AllUsers() {
  const { users: text, parts } = useText();
  const formats = useFormats();
  const { tab } = useSearch({ strict: false });
  const { ids, hasMore, query } = useAdministered();
  const lists = useQueries({ queries: ids.map((id) => usersQuery(id)) });
  const isServerAdmin = useIsServerAdmin();
  const [isCreating, setCreating] = useState(false);
  const users = lists
    .flatMap((list) => list.data ?? [])
    .sort((one, other) => one.name.localeCompare(other.name));
  const isMatrix = tab === "grants";
  if (ids.length === 0) {
    return (
      <Page title={text.title}>
        <Loaded query={query} height={320}>
          {() => <Empty>{isServerAdmin ? parts.noProject : parts.forbidden}</Empty>}
        </Loaded>
      </Page>
    );
  }
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        <Button kind="primary" onClick={() => setCreating(true)}>
          {text.create}
        </Button>
      }
    >
      <nav className="tabs" aria-label={text.title}>
        {(["accounts", "grants"] as const).map((each) => (
          <Link
            key={each}
            to="/ui/users"
            search={(search) => ({
              project: search.project,
              tab: each === "grants" ? each : undefined,
            })}
            className="tab"
            activeOptions={{ exact: true }}
            aria-current={isMatrix === (each === "grants") ? "page" : undefined}
          >
            {each === "grants" ? text.tabGrants : text.tabList}
          </Link>
        ))}
      </nav>
      <FailedNotice queries={lists} />
      {hasMore && <Notice tone="none">{text.partial(formats.number(ids.length))}</Notice>}
      {lists.some((list) => list.isPending) && users.length === 0 ? (
        <Skeleton height={320} />
      ) : isMatrix ? (
        <Matrix users={users} projects={ids} />
      ) : users.length === 0 ? (
        !lists.some((list) => list.isError) && <Empty>{text.empty}</Empty>
      ) : (
        <Accounts users={users} />
      )}
      {isCreating && <CreateUser projects={ids} onClose={() => setCreating(false)} />}
    </Page>
  );
}

/** The accounts, each with a link to its own view. */
function Accounts({ users }: { users: readonly User[] }) {
  const { users: text } = useText();
  const isNarrow = useIsNarrow();
  const columns: Column<User>[] = [
    {
      id: "user",
      header: text.user,
      width: "minmax(120px, 2fr)",
      cell: (user) => (
        <>
          <Link
            to="/ui/users"
            search={(search) => ({ project: search.project, tab: search.tab, id: [user.name] })}
          >
            {user.name}
          </Link>{" "}
          {user.has_namesake && <Badge tone="warn">{text.namesake}</Badge>}
        </>
      ),
    },
    {
      id: "project",
      header: text.project,
      width: "minmax(90px, 1fr)",
      cell: (user) => user.project,
    },
    {
      id: "state",
      header: text.state,
      width: "110px",
      cell: (user) =>
        user.disabled_at ? (
          <Badge tone="none">{text.disabled}</Badge>
        ) : (
          <Badge tone="good">{text.active}</Badge>
        ),
    },
    {
      id: "made",
      header: text.made,
      width: "130px",
      isWideOnly: true,
      cell: (user) => <Ago at={user.created_at} />,
    },
  ];
  return (
    <Rows
      label={text.title}
      rows={users}
      rowKey={(user) => user.name}
      columns={columns}
      isNarrow={isNarrow}
      height={`min(70vh, ${38 + users.length * 44}px)`}
    />
  );
}
