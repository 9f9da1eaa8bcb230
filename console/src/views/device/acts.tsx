import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Link, useNavigate } from "@tanstack/react-router";
import { createContext, type ReactNode, useContext, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { CheckField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { useWhy } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { type Accepted, type Act, deviceKey, perform, useReadAnew, useSubject } from "./data";

/** What asks before it is done. The rest is as easily taken back as done. */
export type Asking = "restart" | "stop" | "reset" | "adopt" | "mark-stopped" | "mark-started";

type Acts = {
  /** Asks whether to, and does it. */
  ask: (what: Asking | "delete") => void;
  /** Freezes the device, or ends that. */
  freeze: (isFrozen: boolean) => void;
  isBusy: boolean;
};

const ActsOf = createContext<Acts | null>(null);

/** What can be done with the device that the view is about. */
export function useActs(): Acts {
  const acts = useContext(ActsOf);
  if (acts === null) {
    throw new Error("nothing can be done outside of the device's view");
  }
  return acts;
}

/** Says that what was asked for is accepted, with the way to its update. */
export function useSayAccepted(): (accepted: Accepted | undefined, told?: string) => void {
  const { device: text } = useText();
  const toUpdate = text.toUpdate;
  return (accepted, told = text.accepted) => {
    say(
      "good",
      <>
        {told}{" "}
        {accepted && (
          <Link
            to="/ui/updates/$id"
            params={{ id: accepted.request }}
            search={{ project: accepted.project }}
          >
            {toUpdate}
          </Link>
        )}
      </>,
    );
  };
}

/** Lets everything below it ask for what can be done with the device; the questions stand here. */
export function ActsProvider({ children }: { children: ReactNode }) {
  const { ref, device } = useSubject();
  const { device: text } = useText();
  const client = useQueryClient();
  const readAnew = useReadAnew(ref);
  const sayAccepted = useSayAccepted();
  const why = useWhy();
  const navigate = useNavigate();
  const [asking, setAsking] = useState<Asking | "delete" | null>(null);
  const doing = useMutation({
    mutationFn: (act: Act) => perform(ref, act),
    onSuccess: (accepted, { act }) => {
      setAsking(null);
      if (act === "delete") {
        say("good", text.gone);
        void client.invalidateQueries({ queryKey: ["devices"] });
        // Only then: what is shown would be asked for again, and is not there any more.
        void navigate({ to: "/ui/devices", search: { project: ref.project } }).then(() =>
          client.removeQueries({ queryKey: deviceKey(ref) }),
        );
        return undefined;
      }
      const told = { freeze: text.freezeDone, unfreeze: text.unfreezeDone, adopt: text.adoptDone };
      sayAccepted(accepted, act in told ? told[act as keyof typeof told] : undefined);
      return readAnew();
    },
  });
  const acts: Acts = {
    ask: (what) => {
      doing.reset();
      setAsking(what);
    },
    freeze: (isFrozen) =>
      doing.mutate(
        { act: isFrozen ? "freeze" : "unfreeze" },
        { onError: (error) => say("bad", why(error)) },
      ),
    isBusy: doing.isPending,
  };
  return (
    <ActsOf.Provider value={acts}>
      {children}
      {asking && (
        <Question
          key={asking}
          what={asking}
          name={device.name.trim() || device.id}
          isBusy={doing.isPending}
          error={doing.error}
          onDo={(act) => doing.mutate(act)}
          onClose={() => setAsking(null)}
        />
      )}
    </ActsOf.Provider>
  );
}

/** Says what an act does, and asks whether to. What the server refuses is said in it. */
function Question({
  what,
  name,
  isBusy,
  error,
  onDo,
  onClose,
}: {
  what: Asking | "delete";
  name: string;
  isBusy: boolean;
  error: unknown;
  onDo: (act: Act) => void;
  onClose: () => void;
}) {
  const { device } = useSubject();
  const { device: text } = useText();
  const formats = useFormats();
  const [first, setFirst] = useState(false);
  const [second, setSecond] = useState(false);
  const desired = formats.number(Object.keys(device.desired).length);
  const jobs = formats.number(device.open_jobs.length);
  const questions: Record<Asking | "delete", [string, string, string, Act]> = {
    restart:
      device.condition === "stopped"
        ? [text.startTitle(name), text.startWhy, text.start, { act: "restart" }]
        : [text.restartTitle(name), text.restartWhy, text.restart, { act: "restart" }],
    stop: [text.stopTitle(name), text.stopWhy, text.stop, { act: "stop" }],
    reset: [text.resetTitle(name), text.resetWhy, text.reset, { act: "reset", forget: first }],
    adopt: [
      text.adoptTitle(name),
      text.adoptWhy,
      text.adopt,
      { act: "adopt", replaceMarker: first, fromReported: second },
    ],
    "mark-stopped": [
      text.markStoppedTitle(name),
      text.markStoppedWhy,
      text.markStopped,
      { act: "mark-stopped" },
    ],
    "mark-started": [
      text.markStartedTitle(name),
      text.markStartedWhy,
      text.markStarted,
      { act: "mark-started" },
    ],
    delete: [text.deleteTitle(name), text.deleteWhy(jobs), text.remove, { act: "delete" }],
  };
  const [title, told, action, act] = questions[what];
  return (
    <FormDialog
      title={title}
      action={action}
      isDangerous={what === "delete" || what === "reset" || what === "stop"}
      isBusy={isBusy}
      error={error}
      onSubmit={() => onDo(act)}
      onClose={onClose}
    >
      <p>{told}</p>
      {what === "reset" && (
        <>
          <CheckField
            label={text.resetForget}
            checked={first}
            onChange={(event) => setFirst(event.target.checked)}
          />
          {first && <p>{text.resetForgets(desired)}</p>}
        </>
      )}
      {what === "adopt" && (
        <>
          <div>
            <CheckField
              label={text.adoptReplace}
              checked={first}
              onChange={(event) => setFirst(event.target.checked)}
            />
            <p className="field-hint">{text.adoptReplaceWhy}</p>
          </div>
          <div>
            <CheckField
              label={text.adoptReported}
              checked={second}
              onChange={(event) => setSecond(event.target.checked)}
            />
            <p className="field-hint">{text.adoptReportedWhy}</p>
          </div>
        </>
      )}
    </FormDialog>
  );
}
