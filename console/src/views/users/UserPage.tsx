import { useMutation, useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import type { components } from "../../api/schema";
import { may, useWhoAmI } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { ADMINISTERED_MAX, useAdministered } from "../../layout/administered";
import { Badge } from "../../parts/Badge";
import { Button, ButtonLink } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { FormDialog } from "../../parts/FormDialog";
import { FailedNotice, Loaded, Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import { SecretDialog } from "../../parts/Secret";
import { Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { PasswordField } from "./CreateUser";
import { isTaken } from "./password";
import { grantsQuery, usersQuery } from "./query";
import { RoleSelect } from "./RoleSelect";
import { Tokens } from "./Tokens";

type User = components["schemas"]["User"];

/** One user: the account, the roles, the tokens. */
export function UserPage({ name }: { name: string }) {
  const { users: text } = useText();
  const formats = useFormats();
  const who = useWhoAmI();
  const own = who?.user;
  const { ids, hasMore, query } = useAdministered();
  const grants = useQuery(grantsQuery(name));
  // The account may be of a project beyond those: most likely of one in which the user has a role.
  const granted = (grants.data ?? []).map((grant) => grant.project);
  const beyond = granted.filter((id) => !ids.includes(id) && may(who, "admin", id));
  const projects = [...ids, ...beyond.slice(0, ADMINISTERED_MAX)];
  const lists = useQueries({ queries: projects.map((id) => usersQuery(id)) });
  const user = lists.flatMap((list) => list.data ?? []).find((each) => each.name === name);
  // Nobody's roles can be read who is nobody: Roles says so.
  const isSomebody = grants.isSuccess;
  const isLooking = !user && [query, grants, ...lists].some((list) => list.isPending);
  return (
    <Page
      title={name}
      actions={
        ids.length > 0 && (
          <ButtonLink to="/ui/users" search={({ id: _, ...search }) => search}>
            {text.back}
          </ButtonLink>
        )
      }
    >
      {isLooking && <Skeleton height={150} />}
      {user && <Account user={user} />}
      {!user && <FailedNotice queries={lists} />}
      {!isLooking && !user && isSomebody && name !== own && !lists.some((list) => list.isError) && (
        <Notice tone="none">
          {hasMore ? text.notFound(formats.number(projects.length)) : text.foreignNote}
        </Notice>
      )}
      <Roles name={name} projects={projects} isOwn={name === own} />
      {/* The tokens of who belongs to other projects are for those to see. */}
      {(user || name === own) && <Tokens name={name} canCreate={!user?.disabled_at} />}
    </Page>
  );
}

/** Who it is, another password, and the end of the account, or the way back. */
function Account({ user }: { user: User }) {
  const { users: text } = useText();
  const [asking, setAsking] = useState<"password" | "disable" | "enable">();
  const close = () => setAsking(undefined);
  return (
    <Card
      title={text.account}
      actions={
        user.disabled_at ? (
          <Button onClick={() => setAsking("enable")}>{text.enable}</Button>
        ) : (
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
      {user.has_namesake && <Notice tone="warn">{text.namesakeNote}</Notice>}
      {asking === "password" && <SetPassword name={user.name} onClose={close} />}
      {asking === "disable" && <Disable name={user.name} onClose={close} />}
      {asking === "enable" && <Enable name={user.name} onClose={close} />}
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
      isReady={isTaken(password.value)}
      isBegun={password.isMade}
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

function Enable({ name, onClose }: { name: string; onClose: () => void }) {
  const { users: text } = useText();
  const client = useQueryClient();
  const enable = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/users/{name}/enable", { params: { path: { name }, header } }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["users"] });
      say("good", text.isEnabled(name));
      onClose();
    },
  });
  return (
    <Confirm
      title={text.enableTitle(name)}
      action={text.enable}
      isBusy={enable.isPending}
      onConfirm={() => enable.mutate()}
      onClose={onClose}
    >
      {enable.isError && <ProblemNotice error={enable.error} />}
      <p>{text.enableWhat}</p>
    </Confirm>
  );
}

/** What the user may do in each project that the viewer administers; of oneself, in every one. */
function Roles({
  name,
  projects,
  isOwn,
}: {
  name: string;
  projects: readonly string[];
  isOwn: boolean;
}) {
  const { users: text, states, parts, shell } = useText();
  const query = useQuery(grantsQuery(name));
  const words: Record<string, string> = states.role;
  return (
    <Card title={text.grants}>
      <p className="quiet">{isOwn ? text.grantsOwn : text.grantsNote}</p>
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
