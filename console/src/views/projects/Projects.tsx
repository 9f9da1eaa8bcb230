import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { useState } from "react";
import { api, change } from "../../api/client";
import { ApiProblem } from "../../api/problem";
import type { components } from "../../api/schema";
import { useIsServerAdmin } from "../../api/session";
import { useText } from "../../i18n";
import { projects } from "../../layout/project";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { TextArea, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Skeleton } from "../../parts/Loading";
import { Empty, ProblemNotice, useWhy } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Page } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { Ago } from "../../parts/Time";
import { say } from "../../parts/toasts";

type Project = components["schemas"]["Project"];

/** All projects that one may see. */
export function Projects() {
  const { projects: text } = useText();
  const isServerAdmin = useIsServerAdmin();
  const isNarrow = useIsNarrow();
  const query = useQuery(projects);
  const [isCreating, setCreating] = useState(false);
  const columns: Column<Project>[] = [
    {
      id: "project",
      header: text.project,
      width: "minmax(140px, 2fr)",
      cell: (project) => (
        <>
          <Link
            to="/ui/projects/$project"
            params={{ project: project.id }}
            search={{ project: project.id }}
          >
            {project.name || project.id}
          </Link>{" "}
          {project.name !== project.id && <code className="quiet">{project.id}</code>}
        </>
      ),
    },
    {
      id: "settings",
      header: text.settings,
      width: "minmax(110px, 1fr)",
      cell: ({ settings }) => (
        <span className="row">
          {settings.paused ? (
            <Badge tone="warn">{text.paused}</Badge>
          ) : (
            <Badge tone="good">{text.running}</Badge>
          )}
          {settings.drift === "repair" && !isNarrow && <Badge tone="none">{text.repairs}</Badge>}
        </span>
      ),
    },
    {
      id: "description",
      header: text.description,
      width: "minmax(120px, 2fr)",
      isWideOnly: true,
      cell: (project) => <span title={project.description}>{project.description}</span>,
    },
    {
      id: "since",
      header: text.since,
      width: "110px",
      isWideOnly: true,
      cell: (project) => <Ago at={project.created_at} />,
    },
  ];
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        isServerAdmin && (
          <Button kind="primary" onClick={() => setCreating(true)}>
            {text.create}
          </Button>
        )
      }
    >
      {query.isError && <ProblemNotice error={query.error} retry={() => void query.refetch()} />}
      {query.isPending && <Skeleton height={320} />}
      {query.data?.length === 0 && (
        <Empty>{isServerAdmin ? text.empty : text.emptyForOthers}</Empty>
      )}
      {query.data && query.data.length > 0 && (
        <Rows
          label={text.title}
          rows={query.data}
          rowKey={(project) => project.id}
          columns={columns}
          isNarrow={isNarrow}
          height={`min(60vh, ${38 + query.data.length * 44}px)`}
        />
      )}
      {isCreating && <Create onClose={() => setCreating(false)} />}
    </Page>
  );
}

/** Whether what is typed may be a project's id. One that is a step in a path could not be addressed. */
function isId(typed: string): boolean {
  return /^[!-.0-~]{0,64}$/.test(typed) && typed !== "." && typed !== "..";
}

/** Asks for what a project needs, and makes it. */
function Create({ onClose }: { onClose: () => void }) {
  const { projects: text, parts } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const why = useWhy();
  const [name, setName] = useState("");
  const [id, setId] = useState("");
  const [description, setDescription] = useState("");
  const create = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/projects", {
          params: { header },
          body: { name, id: id === "" ? undefined : id, description },
        }),
      ),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: projects.queryKey });
      say("good", text.created(made.id));
    },
  });
  const isOfId = create.error instanceof ApiProblem && create.error.code === "exists";
  const show = ({ id }: Project) =>
    void navigate({
      to: "/ui/projects/$project",
      params: { project: id },
      search: { project: id },
    });
  return (
    <FormDialog
      title={text.create}
      action={parts.create}
      isBusy={create.isPending}
      error={isOfId ? undefined : create.error}
      isReady={name.trim() !== "" && isId(id)}
      onSubmit={() => create.mutate(undefined, { onSuccess: show })}
      onClose={onClose}
    >
      <TextField
        label={text.name}
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={text.id}
        hint={isId(id) ? text.idHint : undefined}
        error={isId(id) ? isOfId && why(create.error) : text.idHint}
        spellCheck={false}
        autoCapitalize="none"
        value={id}
        onChange={(event) => {
          setId(event.target.value);
          if (isOfId) {
            create.reset();
          }
        }}
      />
      <TextArea
        label={text.description}
        value={description}
        onChange={(event) => setDescription(event.target.value)}
      />
    </FormDialog>
  );
}
