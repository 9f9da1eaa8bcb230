import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge, type Tone } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { CheckField } from "../../parts/Field";
import { Skeleton } from "../../parts/Loading";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { Ago } from "../../parts/Time";
import { type Checked, checkOf, useSubject } from "./data";
import { Told } from "./Told";

const TONES: Record<string, Tone> = {
  passed: "good",
  failed: "bad",
  not_reached: "warn",
  unsupported: "none",
};

/** A look at the device itself, made when it is asked for. */
export function CheckTab() {
  const { ref } = useSubject();
  const { device: text } = useText();
  const check = useQuery(checkOf(ref));
  return (
    <>
      <p>{text.checkWhy}</p>
      <div className="row">
        <Button kind="primary" isBusy={check.isFetching} onClick={() => void check.refetch()}>
          {check.data ? text.checkAgain : text.checkRun}
        </Button>
        {check.data && (
          <span className="small quiet">
            {text.checkedAt} <Ago at={new Date(check.dataUpdatedAt).toISOString()} />
          </span>
        )}
      </div>
      {check.isFetching && (
        <p className="quiet" role="status">
          {text.checkRunning}
        </p>
      )}
      {check.isError && !check.isFetching && (
        <ProblemNotice error={check.error} retry={() => void check.refetch()} />
      )}
      {check.data ? <Steps checked={check.data} /> : check.isFetching && <Skeleton height={320} />}
    </>
  );
}

/** What was found, in the order in which one thing rests on another. */
function Steps({ checked }: { checked: Checked }) {
  const { device: text } = useText();
  const formats = useFormats();
  const [isOnlyWrong, setOnlyWrong] = useState(false);
  const words: Record<string, string> = text.outcome;
  const wrong = checked.items.filter((item) => ["failed", "not_reached"].includes(item.result));
  const failed = wrong.filter((item) => item.result === "failed").length;
  const told = text.checkFails(formats.number(failed), formats.number(wrong.length - failed));
  const items = isOnlyWrong ? wrong : checked.items;
  return (
    <>
      <Notice tone={checked.holds ? "good" : "bad"}>
        {checked.holds ? text.checkHolds : told}
      </Notice>
      {wrong.length > 0 && (
        <CheckField
          label={text.onlyWrong}
          checked={isOnlyWrong}
          onChange={(event) => setOnlyWrong(event.target.checked)}
        />
      )}
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what is scrolled must be reached by keyboard */}
      <section className="table-frame" tabIndex={0} aria-label={text.tabCheck}>
        <table className="table">
          <thead>
            <tr>
              <th scope="col">{text.step}</th>
              <th scope="col">{text.state}</th>
              <th scope="col">{text.seenThere}</th>
            </tr>
          </thead>
          <tbody>
            {items.map((item) => (
              <tr key={item.name}>
                <td className="break">{item.name}</td>
                <td>
                  <Badge tone={TONES[item.result] ?? "none"}>
                    {words[item.result] ?? item.result}
                  </Badge>
                </td>
                <td>
                  <p className="break">{item.detail}</p>
                  {item.remedy && (
                    <p className="break">
                      <strong>{text.whatToDo}</strong> <Told text={item.remedy} />
                    </p>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </>
  );
}
