import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useLocation, useNavigate } from "@tanstack/react-router";
import { useEffect, useRef } from "react";
import { may, signOut, useIsServerAdmin, useWhoAmI } from "../api/session";
import { useText } from "../i18n";
import { Button } from "../parts/Button";
import { SelectField } from "../parts/Field";
import { useWhy } from "../parts/Notice";
import { hush, say } from "../parts/toasts";
import { Preferences } from "./Preferences";
import { useProject, useProjects } from "./project";

/**
 * The ways to the views, the project that they are about, and what is the viewer's own. On a phone it
 * lies over the page while it `isOpen`.
 */
export function Navigation({
  isOpen,
  setOpen,
}: {
  isOpen: boolean;
  setOpen: (isOpen: boolean) => void;
}) {
  const { shell, ...text } = useText();
  const who = useWhoAmI();
  const isServerAdmin = useIsServerAdmin();
  const isAdmin = may(who, "admin");
  const path = useLocation({ select: (location) => location.pathname });
  const opener = useRef<HTMLButtonElement>(null);
  const menu = useRef<HTMLElement>(null);
  useEffect(() => {
    if (isOpen) {
      menu.current?.focus();
    }
  }, [isOpen]);
  const close = () => {
    setOpen(false);
    opener.current?.focus();
  };
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
        <Button
          ref={opener}
          aria-expanded={isOpen}
          aria-controls="navigation"
          onClick={() => setOpen(true)}
        >
          {shell.menu}
        </Button>
      </header>
      <nav
        ref={menu}
        id="navigation"
        className="shell-nav"
        data-open={isOpen}
        tabIndex={-1}
        aria-label={shell.navigation}
        onKeyDown={(event) => {
          if (isOpen && event.key === "Escape") {
            close();
          }
        }}
      >
        <div className="row">
          <Brand />
          <span className="shell-close">
            <Button onClick={close}>{shell.closeMenu}</Button>
          </span>
        </div>
        <ProjectSwitch />
        {groups.map((group) => (
          <div key={group.name} className="shell-group">
            <p aria-hidden="true">{group.name}</p>
            <ul aria-label={group.name}>
              {group.links.map((link) => (
                <li key={link.to}>
                  <Link
                    to={link.to}
                    search={(search) => ({ project: search.project })}
                    activeOptions={{
                      // A new update is no update yet, and has a link of its own.
                      exact: link.to === "/ui/updates" && path === "/ui/updates/new",
                      includeSearch: false,
                    }}
                    className="shell-link"
                    onClick={() => setOpen(false)}
                  >
                    {link.label}
                  </Link>
                </li>
              ))}
            </ul>
          </div>
        ))}
        <div className="shell-foot">
          <div className="shell-preferences">
            <Preferences />
          </div>
          <Leave />
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

/** Who is signed in, and the way out. */
function Leave() {
  const { shell } = useText();
  const user = useWhoAmI()?.user;
  const why = useWhy();
  const client = useQueryClient();
  const leave = useMutation({
    mutationFn: () => signOut(client),
    // What was said to one user is not there for the next.
    onSuccess: hush,
    onError: (error) => say("bad", why(error)),
  });
  return (
    <div className="column">
      {user ? (
        <Link
          to="/ui/users"
          search={(search) => ({ project: search.project, id: [user] })}
          className="small break"
        >
          {user}
        </Link>
      ) : (
        <span className="small quiet">{shell.admin}</span>
      )}
      <Button isBusy={leave.isPending} onClick={() => leave.mutate()}>
        {shell.signOut}
      </Button>
    </div>
  );
}
