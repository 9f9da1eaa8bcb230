import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { api, ask } from "../../api/client";
import { useMay } from "../../api/session";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Empty, Notice, ProblemNotice, useWhy } from "../../parts/Notice";
import { Card, Page } from "../../parts/Page";
import "../../styles/updates.css";
import { presetsOf } from "../presets/queries";
import { PlanFields } from "../updates/PlanFields";
import { faultsOf, planOf } from "../updates/plan";
import { DryRunStep } from "./DryRunStep";
import { useDraft } from "./draft";
import { useDryRun } from "./dry-run";
import { fieldOf, kindOf, requestOf } from "./request";
import { StartBar } from "./StartBar";
import { TargetStep } from "./TargetStep";
import { ValuesStep } from "./ValuesStep";

/** An update is put together here, tried out, and begun. */
export function NewUpdate() {
  const { newUpdate: text, parts } = useText();
  const formats = useFormats();
  const told = useWhy();
  const { search, setSearch, draft, set, setIds, forget, finish, isLeftover } = useDraft();
  const { dryRun, run, cancel, forget: forgetDryRun } = useDryRun();
  const mayInAny = useMay("operator");
  const mayHere = useMay("operator", search.project);
  const [refusal, setRefusal] = useState<unknown>();

  const presets = useQuery({
    ...presetsOf(search.project ?? ""),
    enabled: search.project !== undefined && search.preset !== undefined,
  });
  const preset = presets.data?.find((each) => each.name === search.preset);
  const kind = kindOf(search, preset);
  const asked = useMemo(() => requestOf(search, draft, preset), [search, draft, preset]);
  const request = "request" in asked ? asked.request : undefined;
  // A preset that was changed meanwhile asks for something else by the same name.
  const version = preset?.version;
  const key = useMemo(() => request && JSON.stringify([request, version]), [request, version]);
  const isOfThis = key !== undefined && dryRun?.key === key;
  const predicted = isOfThis && dryRun?.phase === "done" ? dryRun.predicted : undefined;
  const plan = planOf(draft.plan);

  // What the server said of a field stands at the field, as long as what is there was refused.
  const why = refusal ?? (isOfThis ? dryRun?.error : undefined);
  const message = why === undefined ? "" : told(why);
  const field = fieldOf(message);
  const faults = useMemo(() => {
    const faults = new Map<string, string>();
    for (const { property, count, detail } of predicted?.reasons ?? []) {
      if (property !== undefined && !faults.has(property)) {
        faults.set(property, text.fieldRefused(formats.number(count), detail));
      }
    }
    const named = draft.values.find((line) => message.includes(`${line.name}:`));
    if (named) {
      faults.set(named.name, message);
    }
    return faults;
  }, [predicted, message, draft.values, text, formats]);

  if (!mayInAny) {
    return (
      <Page title={text.title}>
        <Empty>{text.notAllowed}</Empty>
      </Page>
    );
  }

  const lacks = "lacks" in asked ? asked.lacks : [];
  const whyNot = () => {
    const [lack] = lacks;
    if (lack) {
      return text.lacks[lack.what];
    }
    if (!mayHere) {
      return parts.forbidden;
    }
    if (!isOfThis || dryRun === undefined || dryRun.phase === "cancelled") {
      return text.needsDryRun;
    }
    if (dryRun.phase === "running") {
      return text.dryRunRuns;
    }
    if (dryRun.phase === "failed") {
      return text.dryRunFailed;
    }
    if (dryRun.predicted.devices === 0) {
      return text.noneMeant;
    }
    if (dryRun.predicted.refused === dryRun.predicted.devices) {
      return text.allRefused;
    }
    return faultsOf(draft.plan).length > 0 ? text.planFaulty : undefined;
  };
  const tryOut = () => {
    if (request && key !== undefined) {
      setRefusal(undefined);
      void run(key, async (after, signal) => {
        const body = { ...request, dry_run: true, after };
        const answer = await ask(api.POST("/api/v1/updates", { body, signal }));
        if (!("next" in answer)) {
          throw new Error("a dry run is answered with a page of devices");
        }
        return answer;
      });
    }
  };
  return (
    <Page
      title={text.title}
      note={text.note}
      actions={
        <Button
          onClick={() => {
            setRefusal(undefined);
            forgetDryRun();
            forget();
          }}
        >
          {text.startOver}
        </Button>
      }
    >
      {isLeftover && <Notice tone="busy">{text.leftover}</Notice>}
      <Step number={1} title={text.devices}>
        <TargetStep
          search={search}
          setSearch={setSearch}
          draft={draft}
          set={set}
          setIds={setIds}
          preset={preset}
        />
      </Step>
      <Step number={2} title={text.values}>
        <ValuesStep
          search={search}
          setSearch={setSearch}
          kind={kind}
          draft={draft}
          set={set}
          preset={preset}
          faults={faults}
        />
      </Step>
      <Step number={3} title={text.dryRun}>
        <DryRunStep
          dryRun={dryRun}
          isOfThis={isOfThis}
          project={search.project}
          again={tryOut}
          stop={cancel}
        />
      </Step>
      <Step number={4} title={text.start}>
        <PlanFields
          form={draft.plan}
          set={(patch) => {
            setRefusal(undefined);
            set({ plan: { ...draft.plan, ...patch } });
          }}
          refused={
            field?.startsWith("rollout.")
              ? { field: field.slice("rollout.".length), why: message }
              : undefined
          }
        />
        {refusal !== undefined && !field?.startsWith("rollout.") && (
          <ProblemNotice error={refusal} />
        )}
      </Step>
      <StartBar
        request={request}
        why={whyNot()}
        refusal={refusal === undefined ? undefined : message}
        predicted={predicted}
        plan={plan}
        isRunning={dryRun?.phase === "running"}
        dryRun={tryOut}
        onStarted={finish}
        onRefused={setRefusal}
      />
    </Page>
  );
}

function Step({ number, title, children }: { number: number; title: string; children: ReactNode }) {
  return (
    <Card
      title={
        <>
          <span className="step-number">{number}</span>
          {title}
        </>
      }
    >
      {children}
    </Card>
  );
}
