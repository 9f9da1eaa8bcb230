import {
  createRootRoute,
  createRoute,
  createRouter,
  Link,
  lazyRouteComponent,
  redirect,
} from "@tanstack/react-router";
import { useText } from "./i18n";
import { Shell } from "./layout/Shell";
import { Skeleton } from "./parts/Loading";
import { Empty, ProblemNotice } from "./parts/Notice";
import { type Search, searchOf } from "./search";

const root = createRootRoute({
  validateSearch: (given): Search => searchOf(given),
  component: Shell,
  notFoundComponent: NotFound,
});

function NotFound() {
  const { shell } = useText();
  return <Empty action={<Link to="/ui/overview">{shell.toOverview}</Link>}>{shell.notFound}</Empty>;
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
    component: lazyRouteComponent(() => import("./views/audit/Audit"), "Audit"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/cluster",
    component: lazyRouteComponent(() => import("./views/cluster/Cluster"), "Cluster"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/devices",
    component: lazyRouteComponent(() => import("./views/devices/Devices"), "Devices"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/devices/$project/$id",
    component: lazyRouteComponent(() => import("./views/device/DevicePage"), "DevicePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/enrolment",
    component: lazyRouteComponent(() => import("./views/enrolment/EnrolmentPage"), "EnrolmentPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/import",
    component: lazyRouteComponent(() => import("./views/import/Import"), "Import"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/keys",
    component: lazyRouteComponent(() => import("./views/keys/Keys"), "Keys"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/organizations",
    component: lazyRouteComponent(
      () => import("./views/organizations/Organizations"),
      "Organizations",
    ),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/overview",
    component: lazyRouteComponent(() => import("./views/overview/Overview"), "Overview"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/passwords",
    component: lazyRouteComponent(() => import("./views/passwords/Passwords"), "Passwords"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/presets",
    component: lazyRouteComponent(() => import("./views/presets/Presets"), "Presets"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/projects",
    component: lazyRouteComponent(() => import("./views/projects/Projects"), "Projects"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/projects/$project",
    component: lazyRouteComponent(() => import("./views/projects/ProjectPage"), "ProjectPage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/registrations",
    component: lazyRouteComponent(
      () => import("./views/registrations/Registrations"),
      "Registrations",
    ),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates",
    component: lazyRouteComponent(() => import("./views/updates/Updates"), "Updates"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates/$id",
    component: lazyRouteComponent(() => import("./views/updates/UpdatePage"), "UpdatePage"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/updates/new",
    component: lazyRouteComponent(() => import("./views/new-update/NewUpdate"), "NewUpdate"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/users",
    component: lazyRouteComponent(() => import("./views/users/Users"), "Users"),
  }),
  createRoute({
    getParentRoute: () => root,
    path: "/ui/webhooks",
    component: lazyRouteComponent(() => import("./views/webhooks/Webhooks"), "Webhooks"),
  }),
];

export const router = createRouter({
  routeTree: root.addChildren(views),
  defaultPreload: "intent",
  defaultPendingComponent: () => <Skeleton height={320} />,
  defaultErrorComponent: ({ error, reset }) => <ProblemNotice error={error} retry={reset} />,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
