import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import type { Tone } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Radios } from "../updates/Radios";
import { ReasonTable } from "../updates/ReasonTable";
import type { DryRun } from "./dry-run";
import { Lines } from "./Lines";
import type { Predicted } from "./predicted";

/** The third step: what would happen. */
export function DryRunStep({
  dryRun,
  isOfThis,
  project,
  again,
  stop,
}: {
  dryRun: DryRun | undefined;
  /** Whether it was of exactly what is asked for now. */
  isOfThis: boolean;
  project: string | undefined;
  again: () => void;
  stop: () => void;
}) {
  const { newUpdate: text } = useText();
  const formats = useFormats();
  if (!dryRun) {
    return <p className="quiet">{text.dryRunHint}</p>;
  }
  const { predicted } = dryRun;
  return (
    <>
      {!isOfThis && <Notice tone="warn">{text.dryRunStale}</Notice>}
      {dryRun.phase === "running" && (
        <Notice tone="busy" actions={<Button onClick={stop}>{text.dryRunStop}</Button>}>
          {text.dryRunNow(formats.number(predicted.devices))}
        </Notice>
      )}
      {dryRun.phase === "cancelled" && <Notice tone="warn">{text.dryRunStopped}</Notice>}
      {dryRun.phase === "failed" && <ProblemNotice error={dryRun.error} retry={again} />}
      {dryRun.phase === "done" && predicted.devices === 0 && (
        <Notice tone="warn">{text.noneMeant}</Notice>
      )}
      {predicted.devices > 0 && <Outcome predicted={predicted} project={project} />}
    </>
  );
}

/** What a dry run has told, from the sums to each device. */
export function Outcome({
  predicted,
  project,
}: {
  predicted: Predicted;
  project: string | undefined;
}) {
  const { newUpdate: text, parts } = useText();
  const formats = useFormats();
  const [shown, setShown] = useState<"all" | "change" | "refused" | "same">("all");
  const tallies: [keyof typeof text.would, number, Tone, boolean][] = [
    ["change", predicted.changed, "good", true],
    ["same", predicted.same, "none", true],
    ["refused", predicted.refused, predicted.refused > 0 ? "bad" : "none", true],
    ["needRestart", predicted.needRestart, "warn", predicted.needRestart > 0],
    ["needRecreate", predicted.needRecreate, "warn", predicted.needRecreate > 0],
    ["restarted", predicted.restarted, "busy", predicted.restarted > 0],
    ["away", predicted.away, "warn", predicted.away > 0],
  ];
  const counts = {
    all: predicted.devices,
    change: predicted.changed,
    refused: predicted.refused,
    same: predicted.same,
  };
  const lines =
    shown === "all" ? predicted.lines : predicted.lines.filter((line) => line.outcome === shown);
  return (
    <>
      <ul className="tallies">
        {tallies.map(
          ([name, count, tone, isShown]) =>
            isShown && (
              <li key={name} className="tally" data-tone={tone}>
                <b>{formats.number(count)}</b> {text.would[name]}
              </li>
            ),
        )}
      </ul>
      {predicted.needRestart > 0 && <p className="field-hint">{text.needRestartHint}</p>}
      {predicted.away > 0 && <p className="field-hint">{text.awayHint}</p>}
      {predicted.reasons.length > 0 && project && (
        <>
          <h3>{text.refusals}</h3>
          <ReasonTable
            project={project}
            reasons={predicted.reasons.map((reason) => ({
              key: `${reason.code}|${reason.property ?? ""}|${reason.detail}`,
              code: reason.code,
              what: reason.property && <code>{reason.property}</code>,
              message: reason.detail,
              count: reason.count,
              devices: reason.devices,
            }))}
          />
        </>
      )}
      <h3>{text.list}</h3>
      <Radios
        legend={text.filter}
        isLegendHidden
        value={shown}
        choices={(["all", "change", "refused", "same"] as const).map((value) => ({
          value,
          label: `${text.filters[value]} (${formats.number(counts[value])})`,
        }))}
        onChange={setShown}
      />
      {lines.length > 0 ? (
        <Lines lines={lines} project={project ?? ""} />
      ) : (
        <p className="quiet">{parts.nothing}</p>
      )}
      {predicted.linesLeftOut > 0 && (
        <p className="field-hint">{text.notListed(formats.number(predicted.linesLeftOut))}</p>
      )}
    </>
  );
}
