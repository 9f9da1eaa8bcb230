import { usePrefetchQuery, useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { useLive } from "../../api/live";
import { useMay } from "../../api/session";
import { useText } from "../../i18n";
import { Skeleton } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { Page } from "../../parts/Page";
import "../../styles/device.css";
import { ActsProvider } from "./acts";
import { Credentials, Registration } from "./Camera";
import { Channels } from "./Channels";
import { CheckTab } from "./Check";
import {
  catalogueOf,
  type DeviceRef,
  deviceKey,
  deviceOf,
  explanationOf,
  SubjectProvider,
  useSubject,
} from "./data";
import { Explain } from "./Explain";
import { Facts, OpenJobs } from "./Facts";
import { Actions, Standing } from "./Head";
import { History } from "./History";
import { Reasons } from "./Reasons";
import { Values } from "./Values";

/** The height of the state before it is there. */
const STATE_HEIGHT = 420;

/** One device: what is not as it should be with it, why, and what can be done. */
export function DevicePage() {
  const { project, id } = useParams({ from: "/ui/devices/$project/$id" });
  const ref = useMemo((): DeviceRef => ({ project, id }), [project, id]);
  const { device: text } = useText();
  const query = useQuery(deviceOf(ref));
  usePrefetchQuery(explanationOf(ref));
  const mayOperate = useMay("operator", project);
  useLive([deviceKey(ref)], (happened) => happened.devices.has(`${project}/${id}`));
  const device = query.data;
  const subject = useMemo(
    () => (device ? { ref, device, mayOperate } : null),
    [ref, device, mayOperate],
  );
  if (subject === null) {
    return (
      <Page title={id} tab={id}>
        {query.isError ? (
          <>
            <ProblemNotice error={query.error} retry={() => void query.refetch()} />
            <p>
              <Link to="/ui/devices" search={{ project }}>
                {text.back}
              </Link>
            </p>
          </>
        ) : (
          <Skeleton height={STATE_HEIGHT} />
        )}
      </Page>
    );
  }
  const name = subject.device.name.trim() || id;
  return (
    // Another device that is known already is shown at once: what was typed was for this one.
    <SubjectProvider key={`${project}/${id}`} value={subject}>
      <ActsProvider>
        <Page title={name} note={<Standing />} actions={<Actions />}>
          {query.isError && (
            <ProblemNotice error={query.error} retry={() => void query.refetch()} />
          )}
          <Tabs />
        </Page>
      </ActsProvider>
    </SubjectProvider>
  );
}

/** The parts of the view, one at a time. Each has its address. */
function Tabs() {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const chosen = useSearch({ strict: false }).tab ?? "state";
  const tabs = [
    { id: "state", label: text.tabState, content: <State /> },
    { id: "explain", label: text.tabExplain, content: <Explain /> },
    { id: "history", label: text.tabHistory, content: <History /> },
    ...(device.kind === "camera"
      ? [{ id: "channels", label: text.tabChannels, content: <Channels /> }]
      : []),
    { id: "check", label: text.tabCheck, content: <CheckTab /> },
  ];
  const shown = tabs.find((tab) => tab.id === chosen) ?? tabs[0];
  return (
    <>
      <nav className="tabs" aria-label={text.tabs}>
        {tabs.map((tab) => (
          <Link
            key={tab.id}
            to="/ui/devices/$project/$id"
            params={ref}
            search={(search) => ({
              project: search.project,
              tab: tab.id === "state" ? undefined : tab.id,
            })}
            className="tab"
            aria-current={tab === shown ? "page" : undefined}
            activeProps={{}}
            activeOptions={{ exact: true }}
          >
            {tab.label}
          </Link>
        ))}
      </nav>
      {shown?.content}
    </>
  );
}

/**
 * How the device stands: what is wrong first, then its values, then what it is. All of it is drawn
 * at once, when it is known or can't be why: reasons that come later would push the rest down.
 */
function State() {
  const { ref, device } = useSubject();
  // The catalogue says what can be done about a reason.
  const queries = [useQuery(explanationOf(ref)), useQuery(catalogueOf(device.profile))];
  // A server that is away is asked again for long: the values are not kept back for that.
  if (queries.some((query) => query.isPending && query.failureCount === 0)) {
    return <Skeleton height={STATE_HEIGHT} />;
  }
  return (
    <>
      <Reasons />
      <Values />
      <div className="cards device-cards">
        {device.camera && <Registration camera={device.camera} />}
        {device.camera && <Credentials camera={device.camera} />}
        <OpenJobs />
        <Facts />
      </div>
    </>
  );
}
