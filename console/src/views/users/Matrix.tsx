import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { type FormEvent, useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { say } from "../../parts/toasts";
import { grantsQuery } from "./query";
import { RoleSelect, useRoleChoices } from "./RoleSelect";

/** How many users are drawn at a time: each asks for its own roles. */
const SHOWN = 25;

/** Each user's role in each project that one administers. */
export function Matrix({
  users,
  projects,
}: {
  users: readonly components["schemas"]["User"][];
  projects: readonly string[];
}) {
  const { users: text, parts } = useText();
  const formats = useFormats();
  const [filter, setFilter] = useState("");
  const [count, setCount] = useState(SHOWN);
  const found = users.filter(
    (user) => !user.disabled_at && user.name.toLowerCase().includes(filter.toLowerCase()),
  );
  const rest = found.length - count;
  return (
    <>
      {users.length > SHOWN && (
        <TextField
          label={text.filter}
          type="search"
          value={filter}
          onChange={(event) => setFilter(event.target.value)}
        />
      )}
      {found.length === 0 ? (
        <Empty>{users.length === 0 ? text.empty : parts.nothing}</Empty>
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
              {found.slice(0, count).map((user) => (
                <Line key={user.name} name={user.name} projects={projects} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {rest > 0 && (
        <div className="row">
          <Button onClick={() => setCount(count + SHOWN)}>
            {parts.more(formats.number(rest))}
          </Button>
        </div>
      )}
      <Admit projects={projects} />
    </>
  );
}

/** A user's roles. */
function Line({ name, projects }: { name: string; projects: readonly string[] }) {
  const query = useQuery(grantsQuery(name));
  return (
    <tr>
      <th scope="row">
        <Link to="/ui/users" search={(search) => ({ ...search, id: [name] })}>
          {name}
        </Link>
      </th>
      {query.isError ? (
        <td colSpan={projects.length}>
          <ProblemNotice error={query.error} retry={() => void query.refetch()} />
        </td>
      ) : (
        projects.map((project) => (
          <td key={project}>
            {query.data && (
              <RoleSelect
                user={name}
                project={project}
                role={query.data.find((grant) => grant.project === project)?.role}
              />
            )}
          </td>
        ))
      )}
    </tr>
  );
}

/** Gives a role to somebody who is in none of the lists: a user of another project. */
function Admit({ projects }: { projects: readonly string[] }) {
  const { users: text, shell } = useText();
  const client = useQueryClient();
  const roles = useRoleChoices();
  const [name, setName] = useState("");
  const [project, setProject] = useState(projects[0] ?? "");
  const [role, setRole] = useState("viewer");
  const admit = useMutation({
    mutationFn: () =>
      change((header) =>
        api.PUT("/api/v1/users/{name}/grants/{project}", {
          params: { path: { name, project }, header },
          body: { role },
        }),
      ),
    onSuccess: () => {
      const word = roles.find((choice) => choice.value === role)?.label ?? role;
      say("good", text.granted(name, word, project));
      void client.invalidateQueries({ queryKey: grantsQuery(name).queryKey });
      setName("");
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    admit.mutate();
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
          onChange={(event) => setProject(event.target.value)}
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
