import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useIsServerAdmin } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useAdministered } from "../../layout/administered";
import { useProject } from "../../layout/project";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { CheckField } from "../../parts/Field";
import { FailedNotice, Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { CreateKey } from "./CreateKey";
import { keysQuery } from "./query";

type Key = components["schemas"]["Key"];

/** The access keys of the vendors' APIs. */
export function Keys() {
  const { keys: text, parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const isServerAdmin = useIsServerAdmin();
  const project = useProject();
  const { tab } = useSearch({ strict: false });
  const navigate = useNavigate();
  const { ids, hasMore, query: known } = useAdministered();
  const lists = useQueries({
    queries: [
      ...(isServerAdmin && project === undefined ? [keysQuery()] : []),
      ...ids.map((id) => keysQuery(id)),
    ],
  });
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Key>();
  // It stands in the address, as what a list shows does.
  const isAll = tab === "all";
  const keys = lists
    .flatMap((list) => list.data ?? [])
    .filter((key) => isAll || !key.revoked_at)
    .sort((one, other) => other.created_at.localeCompare(one.created_at));
  const queries = [known, ...lists];
  const hasFailed = queries.some((query) => query.isError);
  const columns: Column<Key>[] = [
    {
      id: "key",
      header: text.key,
      width: "minmax(190px, 2fr)",
      cell: (key) =>
        isNarrow ? (
          <div className="two-lines">
            <code>{key.ak}</code>
            <span className="small quiet">
              {key.project ?? text.allProjects}
              {key.strict && ` · ${text.strict}`}
            </span>
          </div>
        ) : (
          <span className="row">
            <code>{key.ak}</code>
            {key.strict && <span className="chip">{text.strict}</span>}
          </span>
        ),
    },
    {
      id: "project",
      header: text.project,
      width: "minmax(100px, 1fr)",
      isWideOnly: true,
      cell: (key) => key.project ?? <Badge tone="warn">{text.allProjects}</Badge>,
    },
    {
      id: "state",
      header: text.state,
      width: "100px",
      isWideOnly: true,
      cell: (key) =>
        key.revoked_at ? (
          <Badge tone="bad">{text.revoked}</Badge>
        ) : (
          <Badge tone="good">{text.works}</Badge>
        ),
    },
    {
      id: "made",
      header: text.made,
      width: "120px",
      isWideOnly: true,
      cell: (key) => <Ago at={key.created_at} />,
    },
    {
      id: "used",
      header: <span title={text.lastUsedHint}>{text.lastUsed}</span>,
      width: "120px",
      isWideOnly: true,
      cell: (key) => <Ago at={key.last_used_at} />,
    },
    {
      id: "act",
      header: <span className="heard">{text.revoke}</span>,
      width: "96px",
      cell: (key) =>
        key.revoked_at ? (
          isNarrow && <Badge tone="bad">{text.revoked}</Badge>
        ) : (
          <Button
            kind="danger"
            aria-label={`${text.revoke} ${key.ak}`}
            onClick={() => setRevoking(key)}
          >
            {text.revoke}
          </Button>
        ),
    },
  ];
  const isLoading = queries.some((query) => query.isPending);
  const isAllowed = isServerAdmin || ids.length > 0;
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        isAllowed && (
          <>
            <CheckField
              label={text.showRevoked}
              checked={isAll}
              onChange={({ target }) =>
                void navigate({
                  to: ".",
                  search: (search) => ({ ...search, tab: target.checked ? "all" : undefined }),
                  replace: true,
                })
              }
            />
            <Button kind="primary" onClick={() => setCreating(true)}>
              {text.create}
            </Button>
          </>
        )
      }
    >
      <FailedNotice queries={queries} />
      {hasMore && <Notice tone="none">{text.partial(formats.number(ids.length))}</Notice>}
      {isLoading && keys.length === 0 ? (
        <Skeleton height={320} />
      ) : !hasFailed && !isAllowed ? (
        <Empty>{parts.forbidden}</Empty>
      ) : keys.length === 0 ? (
        !hasFailed && <Empty>{text.empty}</Empty>
      ) : (
        <Rows
          label={text.title}
          rows={keys}
          rowKey={(key) => key.ak}
          columns={columns}
          isNarrow={isNarrow}
          height={`min(70vh, ${38 + keys.length * 44}px)`}
        />
      )}
      {isCreating && (
        <CreateKey projects={ids} canOpenAll={isServerAdmin} onClose={() => setCreating(false)} />
      )}
      {revoking && <Revoke of={revoking} onClose={() => setRevoking(undefined)} />}
    </Page>
  );
}

/** Asks before a key stops working. */
function Revoke({ of: key, onClose }: { of: Key; onClose: () => void }) {
  const { keys: text } = useText();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/keys/{ak}", { params: { path: { ak: key.ak }, header } }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["keys"] });
      say("good", text.isRevoked(key.ak));
      onClose();
    },
  });
  return (
    <Confirm
      title={text.revokeTitle(key.ak)}
      action={text.revoke}
      isDangerous
      isBusy={revoke.isPending}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      {revoke.isError && <ProblemNotice error={revoke.error} />}
      <p>{text.revokeWhat}</p>
      <p>
        {key.last_used_at ? (
          <>
            {text.revokeUsed} <Ago at={key.last_used_at} />
          </>
        ) : (
          text.revokeUnused
        )}
      </p>
    </Confirm>
  );
}
