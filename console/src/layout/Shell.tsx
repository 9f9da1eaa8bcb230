import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { connected } from "../api/connection";
import { may, session, signOut, useIsServerAdmin, useWhoAmI } from "../api/session";
import { signInAgain } from "../api/session-end";
import { useStore } from "../api/store";
import { useText } from "../i18n";
import { type LanguageId, language } from "../i18n/language";
import { Button } from "../parts/Button";
import { Dialog } from "../parts/Dialog";
import { SelectField } from "../parts/Field";
import { Skeleton } from "../parts/Loading";
import { Notice, ProblemNotice, useWhy } from "../parts/Notice";
import { say, Toasts } from "../parts/toasts";
import { useProject, useProjects } from "./project";
import { SignInForm, SignInPage } from "./SignIn";
import { type Theme, theme } from "./theme";

/** The frame around every view. Nothing of a view is drawn before somebody has signed in. */
export function Shell() {
  const who = useQuery(session);
  const { signIn, shell } = useText();
  const client = useQueryClient();
  const ended = useStore(signInAgain);
  const isConnected = useStore(connected);
  // Kept over the session's end: the view below stays as it is until somebody has signed in again.
  const [wasSignedIn, setWasSignedIn] = useState(false);
  useEffect(() => {
    if (who.data) {
      setWasSignedIn(true);
    }
  }, [who.data]);
  const name = who.data?.user ?? undefined;

  if (who.isPending) {
    return (
      <main className="sign-in">
        <Skeleton height={240} />
      </main>
    );
  }
  if (who.isError && !wasSignedIn) {
    return (
      <main className="sign-in">
        <ProblemNotice error={who.error} retry={() => void who.refetch()} />
      </main>
    );
  }
  if (who.data === null && !ended) {
    return <SignInPage onDone={() => void client.invalidateQueries()} />;
  }
  return (
    <div className="shell">
      <a className="button shell-skip" href="#content">
        {shell.skip}
      </a>
      <Navigation />
      <main id="content" className="shell-main" tabIndex={-1}>
        {!isConnected && <Notice tone="warn">{shell.away}</Notice>}
        <Outlet />
      </main>
      <Toasts />
      {ended && (
        <Dialog title={signIn.again} onClose={() => ended.settle(false)}>
          <p>{signIn.againWhy}</p>
          <SignInForm
            user={name}
            onDone={() => ended.settle(true)}
            onCancel={() => ended.settle(false)}
          />
        </Dialog>
      )}
    </div>
  );
}

/** The ways to the views, the project that they are about, and what is the viewer's own. */
function Navigation() {
  const { shell, states: _states, ...text } = useText();
  const who = useWhoAmI();
  const isServerAdmin = useIsServerAdmin();
  const isAdmin = may(who, "admin");
  const [isOpen, setOpen] = useState(false);
  const path = useLocation({ select: (location) => location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another view closes the menu
  useEffect(() => setOpen(false), [path]);
  const groups = [
    {
      name: shell.fleet,
      links: [
        { to: "/ui/overview", label: text.overview.title },
        { to: "/ui/devices", label: text.devices.title },
        { to: "/ui/import", label: text.importing.title },
      ],
    },
    {
      name: shell.work,
      links: [
        { to: "/ui/updates/new", label: text.newUpdate.title },
        { to: "/ui/updates", label: text.update.title },
        { to: "/ui/presets", label: text.presets.title },
      ],
    },
    {
      name: shell.cameras,
      links: [
        { to: "/ui/organizations", label: text.organizations.title },
        { to: "/ui/passwords", label: text.passwords.title },
        { to: "/ui/enrolment", label: text.enrolment.title },
        ...(isServerAdmin
          ? [{ to: "/ui/registrations", label: text.registrations.title } as const]
          : []),
      ],
    },
    {
      name: shell.server,
      links: [
        { to: "/ui/projects", label: text.projects.title },
        ...(isAdmin
          ? ([
              { to: "/ui/keys", label: text.keys.title },
              { to: "/ui/users", label: text.users.title },
              { to: "/ui/webhooks", label: text.webhooks.title },
              { to: "/ui/audit", label: text.audit.title },
            ] as const)
          : []),
        ...(isServerAdmin ? [{ to: "/ui/cluster", label: text.cluster.title } as const] : []),
      ],
    },
  ] as const;
  return (
    <>
      <header className="shell-bar">
        <Brand />
        <Button aria-expanded={isOpen} aria-controls="navigation" onClick={() => setOpen(true)}>
          {shell.menu}
        </Button>
      </header>
      <nav id="navigation" className="shell-nav" data-open={isOpen} aria-label={shell.navigation}>
        <div className="row">
          <Brand />
          <span className="shell-close">
            <Button onClick={() => setOpen(false)}>{shell.closeMenu}</Button>
          </span>
        </div>
        <ProjectSwitch />
        {groups.map((group) => (
          <div key={group.name} className="shell-group">
            <h2>{group.name}</h2>
            {group.links.map((link) => (
              <Link
                key={link.to}
                to={link.to}
                search={(search) => ({ project: search.project })}
                activeOptions={{ exact: link.to === "/ui/updates", includeSearch: false }}
                className="shell-link"
              >
                {link.label}
              </Link>
            ))}
          </div>
        ))}
        <div className="shell-foot">
          <Preferences />
          <Leave name={who?.user ?? shell.admin} />
        </div>
      </nav>
    </>
  );
}

function Brand() {
  const { shell } = useText();
  return (
    <Link
      to="/ui/overview"
      search={(search) => ({ project: search.project })}
      className="shell-brand"
    >
      <svg viewBox="0 0 32 32" aria-hidden="true">
        <rect width="32" height="32" rx="7" fill="#0f6f7d" />
        <path d="M9 24V8h14v3.6H13v3.2h8.6v3.5H13V24z" fill="#fff" />
        <circle cx="22.6" cy="22.6" r="2.4" fill="#ffd166" />
      </svg>
      {shell.name}
    </Link>
  );
}

/** Which project the views are about. */
function ProjectSwitch() {
  const { shell } = useText();
  const projects = useProjects();
  const project = useProject() ?? "";
  const navigate = useNavigate();
  const isKnown = project === "" || projects.some((each) => each.id === project);
  return (
    <SelectField
      label={shell.project}
      value={project}
      choices={[
        { value: "", label: shell.allProjects },
        ...(isKnown ? [] : [{ value: project, label: project }]),
        ...projects.map((each) => ({ value: each.id, label: each.name || each.id })),
      ]}
      onChange={(event) => {
        const chosen = event.target.value || undefined;
        void navigate({ to: ".", search: (search) => ({ ...search, project: chosen }) });
      }}
    />
  );
}

function Preferences() {
  const { shell } = useText();
  const chosenTheme = useStore(theme);
  const chosenLanguage = useStore(language);
  return (
    <>
      <SelectField
        label={shell.language}
        value={chosenLanguage}
        choices={[
          { value: "en", label: "English" },
          { value: "zh", label: "中文" },
        ]}
        onChange={(event) => language.set(event.target.value as LanguageId)}
      />
      <SelectField
        label={shell.theme}
        value={chosenTheme}
        choices={[
          { value: "system", label: shell.themeSystem },
          { value: "light", label: shell.themeLight },
          { value: "dark", label: shell.themeDark },
        ]}
        onChange={(event) => theme.set(event.target.value as Theme)}
      />
    </>
  );
}

/** Who is signed in, and the way out. */
function Leave({ name }: { name: string }) {
  const { shell } = useText();
  const why = useWhy();
  const client = useQueryClient();
  return (
    <div className="column">
      <span className="small quiet break">{name}</span>
      <Button
        onClick={() => {
          signOut(client).catch((error: unknown) => say("bad", why(error)));
        }}
      >
        {shell.signOut}
      </Button>
    </div>
  );
}
