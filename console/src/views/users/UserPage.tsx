import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { useAdministered } from "../../layout/administered";
import { Badge } from "../../parts/Badge";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { FormDialog } from "../../parts/FormDialog";
import { Loaded } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import { SecretDialog } from "../../parts/Secret";
import { Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { PasswordField } from "./CreateUser";
import { grantsQuery, usersQuery } from "./query";
import { RoleSelect } from "./RoleSelect";
import { Tokens } from "./Tokens";

type User = components["schemas"]["User"];

/** One user: the account, the roles, the tokens. */
export function UserPage({ name }: { name: string }) {
  const { users: text } = useText();
  const { ids } = useAdministered();
  const lists = useQueries({ queries: ids.map((id) => usersQuery(id)) });
  const user = lists.flatMap((list) => list.data ?? []).find((each) => each.name === name);
  return (
    <Page
      title={name}
      actions={
        <ButtonLink to="/ui/users" search={({ id: _, ...search }) => search}>
          {text.back}
        </ButtonLink>
      }
    >
      {user && <Account user={user} />}
      <Roles name={name} projects={ids} />
      <Tokens name={name} canCreate={!user?.disabled_at} />
    </Page>
  );
}

/** Who it is, another password, and the end of the account. */
function Account({ user }: { user: User }) {
  const { users: text } = useText();
  const [asking, setAsking] = useState<"password" | "disable">();
  const close = () => setAsking(undefined);
  return (
    <Card
      title={text.account}
      actions={
        !user.disabled_at && (
          <>
            <Button onClick={() => setAsking("password")}>{text.setPassword}</Button>
            <Button kind="danger" onClick={() => setAsking("disable")}>
              {text.disable}
            </Button>
          </>
        )
      }
    >
      <dl className="pairs">
        <dt>{text.project}</dt>
        <dd>{user.project}</dd>
        <dt>{text.state}</dt>
        <dd className="row">
          {user.disabled_at ? (
            <>
              <Badge tone="none">{text.disabled}</Badge>
              <Moment at={user.disabled_at} />
            </>
          ) : (
            <Badge tone="good">{text.active}</Badge>
          )}
        </dd>
        <dt>{text.made}</dt>
        <dd>
          <Moment at={user.created_at} />
        </dd>
      </dl>
      {asking === "password" && <SetPassword name={user.name} onClose={close} />}
      {asking === "disable" && <Disable name={user.name} onClose={close} />}
    </Card>
  );
}

function SetPassword({ name, onClose }: { name: string; onClose: () => void }) {
  const { users: text } = useText();
  const client = useQueryClient();
  const [password, setPassword] = useState({ value: "", isMade: false });
  const [isShown, setShown] = useState(false);
  const set = useMutation({
    mutationFn: () =>
      change((header) =>
        api.PUT("/api/v1/users/{name}/password", {
          params: { path: { name }, header },
          body: { password: password.value },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["user", name] });
      say("good", text.passwordSet(name));
      if (password.isMade) {
        setShown(true);
      } else {
        onClose();
      }
    },
  });
  if (isShown) {
    return (
      <SecretDialog
        title={text.passwordTitle}
        secrets={[
          { name: text.user, value: name },
          { name: text.password, value: password.value },
        ]}
        onClose={onClose}
      />
    );
  }
  return (
    <FormDialog
      title={text.setPasswordTitle(name)}
      action={text.setPassword}
      isBusy={set.isPending}
      error={set.error}
      isReady={password.value.length >= 8}
      onSubmit={() => set.mutate()}
      onClose={onClose}
    >
      <p>{text.setPasswordWhat}</p>
      <PasswordField {...password} onChange={(value, isMade) => setPassword({ value, isMade })} />
    </FormDialog>
  );
}

function Disable({ name, onClose }: { name: string; onClose: () => void }) {
  const { users: text } = useText();
  const client = useQueryClient();
  const disable = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/users/{name}", { params: { path: { name }, header } }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["users"] });
      void client.invalidateQueries({ queryKey: ["user", name] });
      say("good", text.isDisabled(name));
      onClose();
    },
  });
  return (
    <Confirm
      title={text.disableTitle(name)}
      action={text.disable}
      isDangerous
      isBusy={disable.isPending}
      onConfirm={() => disable.mutate()}
      onClose={onClose}
    >
      {disable.isError && <ProblemNotice error={disable.error} />}
      <p>{text.disableWhat}</p>
    </Confirm>
  );
}

/** What the user may do in each project that the viewer administers. */
function Roles({ name, projects }: { name: string; projects: readonly string[] }) {
  const { users: text, states, parts, shell } = useText();
  const query = useQuery(grantsQuery(name));
  const words: Record<string, string> = states.role;
  return (
    <Card title={text.grants}>
      <p className="quiet">{text.grantsNote}</p>
      <Loaded query={query} height={90}>
        {(grants) => {
          const others = grants.filter((grant) => !projects.includes(grant.project));
          return projects.length + others.length === 0 ? (
            <Empty>{parts.nothing}</Empty>
          ) : (
            <div className="table-frame">
              <table className="table">
                <thead>
                  <tr>
                    <th scope="col">{shell.project}</th>
                    <th scope="col">{text.roleIn}</th>
                  </tr>
                </thead>
                <tbody>
                  {projects.map((project) => (
                    <tr key={project}>
                      <td>{project}</td>
                      <td>
                        <RoleSelect
                          user={name}
                          project={project}
                          role={grants.find((grant) => grant.project === project)?.role}
                        />
                      </td>
                    </tr>
                  ))}
                  {others.map((grant) => (
                    <tr key={grant.project}>
                      <td>{grant.project}</td>
                      <td>{words[grant.role] ?? grant.role}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          );
        }}
      </Loaded>
    </Card>
  );
}
