import {
  createRootRoute,
  createRoute,
  createRouter,
  type ErrorComponentProps,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { onceThere } from "./api/connection";
import { useText } from "./i18n";
import { Shell } from "./layout/Shell";
import { Button, ButtonLink } from "./parts/Button";
import { Skeleton } from "./parts/Loading";
import { Empty, Notice, useWhy } from "./parts/Notice";
import { Page } from "./parts/Page";
import { parseSearch, type Search, searchOf, stringifySearch } from "./search";

const root = createRootRoute({
  validateSearch: (given): Search => searchOf(given),
  component: Shell,
  notFoundComponent: NotFound,
});

function NotFound() {
  const { shell } = useText();
  return (
    <Page title={shell.notFound}>
      <Empty action={<ButtonLink to="/ui/overview">{shell.toOverview}</ButtonLink>}>
        {shell.notFoundWhy}
      </Empty>
    </Page>
  );
}

/** What is shown in the place of a view that can't be. The navigation stays beside it. */
function Failed({ error, reset }: ErrorComponentProps) {
  const { shell, parts } = useText();
  const why = useWhy();
  return (
    <Page title={shell.wrong}>
      <Notice
        tone="bad"
        actions={
          <>
            <Button onClick={reset}>{parts.retry}</Button>
            <Button onClick={() => window.location.reload()}>{shell.reload}</Button>
          </>
        }
      >
        {why(error)}
      </Notice>
    </Page>
  );
}

/**
 * A view whose script is loaded when it is first shown, or about to be. A server of another build has
 * another script: there the router loads the page anew, at the address of the view.
 */
function view<T extends Record<string, unknown>, Name extends keyof T & string>(
  load: () => Promise<T>,
  name: Name,
) {
  return lazyRouteComponent(() => onceThere(load), name);
}

const toOverview = () => {
  throw redirect({ to: "/ui/overview" });
};

/** Every view, by its address. Each is loaded when it is first shown. */
const views = [
  createRoute({ getParentRoute: () => root, path: "/", beforeLoad: toOverview }),
  createRoute({ getParentRoute: () => root, path: "/ui", beforeLoad: toOverview }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/audit",
    component: view(() => import("./views/audit/Audit"), "Audit"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/cluster",
    component: view(() => import("./views/cluster/Cluster"), "Cluster"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/devices",
    component: view(() => import("./views/devices/Devices"), "Devices"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/devices/$project/$id",
    component: view(() => import("./views/device/DevicePage"), "DevicePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/enrolment",
    component: view(() => import("./views/enrolment/EnrolmentPage"), "EnrolmentPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/import",
    component: view(() => import("./views/import/Import"), "Import"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/keys",
    component: view(() => import("./views/keys/Keys"), "Keys"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/organizations",
    component: view(() => import("./views/organizations/Organizations"), "Organizations"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/overview",
    component: view(() => import("./views/overview/Overview"), "Overview"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/passwords",
    component: view(() => import("./views/passwords/Passwords"), "Passwords"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/presets",
    component: view(() => import("./views/presets/Presets"), "Presets"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/projects",
    component: view(() => import("./views/projects/Projects"), "Projects"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/projects/$project",
    component: view(() => import("./views/projects/ProjectPage"), "ProjectPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/registrations",
    component: view(() => import("./views/registrations/Registrations"), "Registrations"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates",
    component: view(() => import("./views/updates/Updates"), "Updates"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates/$id",
    component: view(() => import("./views/updates/UpdatePage"), "UpdatePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates/new",
    component: view(() => import("./views/new-update/NewUpdate"), "NewUpdate"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/users",
    component: view(() => import("./views/users/Users"), "Users"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/webhooks",
    component: view(() => import("./views/webhooks/Webhooks"), "Webhooks"),
  }),
];

export const router = createRouter({
  routeTree: root.addChildren(views),
  defaultPreload: "intent",
  defaultPendingComponent: () => <Skeleton height={320} />,
  defaultErrorComponent: Failed,
  parseSearch,
  stringifySearch,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
