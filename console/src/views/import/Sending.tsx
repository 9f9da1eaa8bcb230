import { useQueryClient } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { may, useWhoAmI } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { useProject, useProjects } from "../../layout/project";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { SelectField } from "../../parts/Field";
import { Meter } from "../../parts/Meter";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { useStay } from "../../parts/stay";
import { Lines } from "./Lines";
import { type Run, type Terms, useRun } from "./run";
import type { Source } from "./source";

/** How a file is sent, how that goes, and what came of it. */
export function Sending({
  source,
  onSending,
}: {
  source: Source;
  /** Told whether it is being sent, whenever that changes. */
  onSending: (isSending: boolean) => void;
}) {
  const { importing: text, parts } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const who = useWhoAmI();
  const shown = useProject();
  const projects = useProjects().filter((each) => may(who, "operator", each.id));
  const [project, setProject] = useState(shown ?? "");
  const [mode, setMode] = useState<Terms["mode"]>("all_or_none");
  const [isAsking, setAsking] = useState(false);
  const { run, begin, stop, goOn, skip, forget } = useRun(source);
  const isRunning = run?.state === "running";
  useStay(isRunning, parts.leaveRunning);
  useEffect(() => onSending(isRunning), [isRunning, onSending]);
  const isIn = run !== undefined && !isRunning && !run.terms.isDry;
  useEffect(() => {
    if (isIn) {
      void client.invalidateQueries({ queryKey: ["devices"] });
      void client.invalidateQueries({ queryKey: ["projects"] });
      void client.invalidateQueries({ queryKey: ["organizations"] });
    }
  }, [isIn, client]);
  const terms = (isDry: boolean): Terms => ({
    project: project === "" ? undefined : project,
    mode,
    isDry,
  });
  const lines = formats.number(source.lines.length);
  const tried = run?.terms.isDry && run.state === "done" ? run.total : undefined;
  const mayGoIn = tried !== undefined && tried.new + tried.changed + tried.channels > 0;
  return (
    <>
      <Card title={text.options}>
        <div className="column form">
          <SelectField
            label={text.project}
            disabled={isRunning}
            value={project}
            choices={[
              { value: "", label: text.projectNone },
              ...projects.map((each) => ({ value: each.id, label: each.name || each.id })),
            ]}
            onChange={(event) => {
              setProject(event.target.value);
              // What was told of it holds for what was asked then.
              forget();
            }}
          />
          <SelectField
            label={text.mode}
            hint={mode === "all_or_none" ? text.modeAllNote : undefined}
            disabled={isRunning}
            value={mode}
            choices={[
              { value: "all_or_none", label: text.modeAll },
              { value: "good_lines", label: text.modeGood },
            ]}
            onChange={(event) => {
              setMode(event.target.value === "good_lines" ? "good_lines" : "all_or_none");
              forget();
            }}
          />
          {source.lines.length === 0 && <Notice tone="warn">{text.noLines}</Notice>}
          <div className="row">
            <Button
              kind={mayGoIn ? "normal" : "primary"}
              disabled={isRunning}
              onClick={() => begin(terms(true))}
            >
              {text.dryRun}
            </Button>
            <Button
              kind={mayGoIn ? "primary" : "normal"}
              disabled={isRunning || source.lines.length === 0}
              onClick={() => setAsking(true)}
            >
              {text.importCount(lines)}
            </Button>
          </div>
          {!run && <p className="field-hint">{text.tryFirst}</p>}
        </div>
        {isAsking && (
          <Confirm
            title={text.confirmTitle(lines)}
            action={text.import}
            onConfirm={() => {
              setAsking(false);
              begin(terms(false));
            }}
            onClose={() => setAsking(false)}
          >
            <p>{text.confirmWhat}</p>
            {!tried && <p>{text.confirmUntried}</p>}
            {tried && tried.failed > 0 && (
              <Notice tone="warn">
                {text.confirmBad(formats.number(tried.failed))} {text.mode}:{" "}
                {mode === "all_or_none" ? text.modeAll : text.modeGood}.
              </Notice>
            )}
          </Confirm>
        )}
      </Card>
      {run && <Progress source={source} run={run} onStop={stop} onGoOn={goOn} onSkip={skip} />}
      {run && <Lines source={source} run={run} />}
    </>
  );
}

/** How far it is, and what can be done where it does not go on by itself. */
function Progress({
  source,
  run,
  onStop,
  onGoOn,
  onSkip,
}: {
  source: Source;
  run: Run;
  onStop: () => void;
  onGoOn: () => void;
  onSkip: () => void;
}) {
  const { importing: text } = useText();
  const formats = useFormats();
  const { isDry, project } = run.terms;
  const all = source.lines.length;
  const sent = source.pieces.slice(0, run.next).reduce((sum, piece) => sum + piece.lines, 0);
  const piece = source.pieces[run.next];
  const [from, to] = [formats.number(piece?.firstLine ?? 0), formats.number(piece?.lastLine ?? 0)];
  const { total } = run;
  return (
    <Card
      title={
        run.state === "running"
          ? isDry
            ? text.trying
            : text.importing
          : isDry
            ? text.triedTitle
            : text.doneTitle
      }
      actions={run.state === "running" && <Button onClick={onStop}>{text.cancel}</Button>}
    >
      {run.state !== "done" && (
        <>
          <Meter total={all} shares={[{ tone: "busy", count: sent, label: text.line }]} />
          <p role="status">{text.progress(formats.number(sent), formats.number(all))}</p>
        </>
      )}
      {run.state === "failed" && (
        <>
          <p>{text.failedAt(from, to)}</p>
          <ProblemNotice error={run.error} />
          <div className="row">
            <Button kind="primary" onClick={onGoOn}>
              {text.retry}
            </Button>
            <Button onClick={onSkip}>{text.skip}</Button>
          </div>
        </>
      )}
      {run.state === "refused" && (
        <Notice
          tone="bad"
          actions={
            <>
              {run.next + 1 < source.pieces.length && <Button onClick={onSkip}>{text.skip}</Button>}
              <Button onClick={onGoOn}>{text.retry}</Button>
            </>
          }
        >
          {text.refusedAt(from, to)}
        </Notice>
      )}
      {run.state === "stopped" && (
        <Notice tone="warn" actions={<Button onClick={onGoOn}>{text.goOn}</Button>}>
          {isDry ? text.stoppedDry : text.stopped}
        </Notice>
      )}
      <dl className="import-counts">
        {(["new", "changed", "channels", "failed"] as const).map((name) => (
          <div key={name} data-bad={name === "failed" && total.failed > 0}>
            <dt>{text[name]}</dt>
            <dd className="numbers">{formats.number(total[name])}</dd>
          </div>
        ))}
      </dl>
      {run.state === "done" && isDry && total.failed > 0 && (
        <Notice tone="warn">
          {run.terms.mode === "all_or_none" ? text.triedNone : text.triedGood}
        </Notice>
      )}
      {run.state === "done" && total.errors.length === 0 && all > 0 && (
        <Notice tone="good">{isDry ? text.allRight : text.done}</Notice>
      )}
      {!isDry && total.new + total.changed > 0 && run.state !== "running" && (
        <p>
          <Link to="/ui/devices" search={{ project }}>
            {text.toDevices}
          </Link>
        </p>
      )}
    </Card>
  );
}
