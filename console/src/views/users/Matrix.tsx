import { useMutation, useQueries, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { FailedNotice, Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { say } from "../../parts/toasts";
import { type Roles, rolesOf } from "./holders";
import { grantsQuery, holdersQuery } from "./query";
import { RoleSelect, useRoleChoices } from "./RoleSelect";

/** How many users are drawn at a time, and of how many projects their roles make so many fields. */
const SHOWN = 25;
const FIELDS_MAX = 250;

/** Each user's role in each project that one administers. */
export function Matrix({
  users,
  projects: all,
}: {
  users: readonly components["schemas"]["User"][];
  projects: readonly string[];
}) {
  const { users: text, parts } = useText();
  const formats = useFormats();
  const lists = useQueries({ queries: all.map((project) => holdersQuery(project)) });
  const [filter, setFilter] = useState("");
  const [steps, setSteps] = useState(1);
  if (lists.some((list) => list.isPending)) {
    return <Skeleton height={320} />;
  }
  // Of a project whose roles could not be read nothing is shown: it would seem that nobody has one.
  const held = all.flatMap((project, index) => {
    const holders = lists[index]?.data?.holders;
    return holders ? [{ project, holders }] : [];
  });
  if (held.length === 0) {
    return <FailedNotice queries={lists} />;
  }
  const projects = held.map(({ project }) => project);
  const step = Math.min(SHOWN, Math.ceil(FIELDS_MAX / projects.length));
  const everybody = rolesOf(users, held);
  const found = everybody.filter((each) => each.name.toLowerCase().includes(filter.toLowerCase()));
  const rest = found.length - steps * step;
  return (
    <>
      <FailedNotice queries={lists} />
      {lists.some((list) => list.data?.hasMore) && <Notice tone="none">{text.manyRoles}</Notice>}
      {everybody.length > step && (
        <TextField
          label={text.filter}
          type="search"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      {found.length === 0 ? (
        <Empty>{everybody.length === 0 ? text.empty : parts.nothing}</Empty>
      ) : (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys have to reach it
        <section className="table-frame" aria-label={text.tabGrants} tabIndex={0}>
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{text.user}</th>
                {projects.map((project) => (
                  <th key={project} scope="col">
                    {project}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {found.slice(0, steps * step).map((each) => (
                <Line key={each.name} of={each} projects={projects} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rest > 0 && (
        <div className="row">
          <Button onClick={() => setSteps(steps + 1)}>{parts.more(formats.number(rest))}</Button>
        </div>
      )}
      <Admit projects={projects} />
    </>
  );
}

/** A user's roles. */
function Line({
  of: { name, isForeign, roles },
  projects,
}: {
  of: Roles;
  projects: readonly string[];
}) {
  const { users: text } = useText();
  return (
    <tr>
      <th scope="row">
        <Link to="/ui/users" search={(search) => ({ ...search, id: [name] })}>
          {name}
        </Link>
        {isForeign && <p className="small quiet">{text.foreign}</p>}
      </th>
      {projects.map((project) => (
        <td key={project}>
          <RoleSelect user={name} project={project} role={roles[project]} />
        </td>
      ))}
    </tr>
  );
}

/** Gives a role to somebody who is in none of the lists: a user of another project. */
function Admit({ projects }: { projects: readonly string[] }) {
  const { users: text, shell } = useText();
  const client = useQueryClient();
  const roles = useRoleChoices();
  const [name, setName] = useState("");
  const [chosen, choose] = useState<string>();
  // One that was chosen is offered no more where another project is looked at.
  const project = chosen !== undefined && projects.includes(chosen) ? chosen : (projects[0] ?? "");
  const [role, setRole] = useState("viewer");
  const admit = useMutation({
    mutationFn: ({ name, project, role }: { name: string; project: string; role: string }) =>
      change((header) =>
        api.PUT("/api/v1/users/{name}/grants/{project}", {
          params: { path: { name, project }, header },
          body: { role },
        }),
      ),
    onSuccess: (_, { name, project, role }) => {
      const word = roles.find((choice) => choice.value === role)?.label ?? role;
      say("good", text.granted(name, word, project));
      void client.invalidateQueries({ queryKey: grantsQuery(name).queryKey });
      void client.invalidateQueries({ queryKey: holdersQuery(project).queryKey });
      setName((now) => (now === name ? "" : now));
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    admit.mutate({ name, project, role });
  };
  return (
    <Card title={text.admit}>
      <p className="quiet">{text.admitNote}</p>
      <form className="column form" onSubmit={submit}>
        {admit.isError && <ProblemNotice error={admit.error} />}
        <TextField
          label={text.user}
          required
          spellCheck={false}
          autoCapitalize="none"
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <SelectField
          label={shell.project}
          value={project}
          choices={projects.map((id) => ({ value: id, label: id }))}
          onChange={(event) => choose(event.target.value)}
        />
        <SelectField
          label={text.roleIn}
          hint={text.roleHint}
          value={role}
          choices={roles}
          onChange={(event) => setRole(event.target.value)}
        />
        <div className="row">
          <Button kind="primary" type="submit" isBusy={admit.isPending} disabled={name === ""}>
            {text.admitAction}
          </Button>
        </div>
      </form>
    </Card>
  );
}
