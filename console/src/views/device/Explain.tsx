import { useQuery } from "@tanstack/react-query";
import { useFormats, useText } from "../../i18n";
import { Loaded } from "../../parts/Loading";
import { Empty, Notice } from "../../parts/Notice";
import { JobBadge, ValueBadge } from "../../parts/states";
import { Ago, Moment } from "../../parts/Time";
import { type ExplainedValue, explanationOf, useSubject } from "./data";
import { Pair } from "./Facts";
import { Deed, operationWord, Reasons, ReasonText } from "./Reasons";
import { By, UpdateLink } from "./UpdateLink";
import { Value } from "./Value";
import { FindField, useBounded, useFind } from "./Values";
import { matching } from "./values";

/** Why the device holds what it holds: of each value who asked for it, when, and what came of it. */
export function Explain() {
  const { ref } = useSubject();
  const explanation = useQuery(explanationOf(ref));
  return (
    <>
      <Reasons hasRestart={false} />
      <Loaded query={explanation} height={320}>
        {({ values }) => <Explained values={values} />}
      </Loaded>
    </>
  );
}

function Explained({ values }: { values: readonly ExplainedValue[] }) {
  const { device: text } = useText();
  const [find, setFind] = useFind();
  const found = matching(values, find, (value) => [value.name, value.desired ?? ""]);
  const { shown, more } = useBounded(found);
  if (values.length === 0) {
    return <Empty>{text.explainNothing}</Empty>;
  }
  return (
    <>
      <FindField find={find} setFind={setFind} among={values.length} />
      {found.length === 0 && <Empty>{text.noneFound}</Empty>}
      <ul className="column">
        {shown.map((value) => (
          <li key={value.name}>
            <Explanation value={value} />
          </li>
        ))}
      </ul>
      {more}
    </>
  );
}

/** One value. What is not as it should be is open from the start. */
function Explanation({ value }: { value: ExplainedValue }) {
  const { device: text } = useText();
  const formats = useFormats();
  const isWrong = value.reasons.length > 0;
  const actor = value.asked ? value.asked.actor : value.asked_unknown;
  return (
    <details className="card device-explained" open={isWrong}>
      <summary>
        <h2 className="device-explained-name break">{value.name}</h2>
        {value.desired != null && <code className="break">{value.desired}</code>}
        {value.state ? (
          <ValueBadge state={value.state} />
        ) : (
          <span className="small quiet">{text.onRecord}</span>
        )}
        <span className="small quiet">{actor}</span>
      </summary>
      {value.reasons.map((reason) => (
        <Notice key={reason.code} tone="warn" actions={<Deed reason={reason} />}>
          <ReasonText reason={reason} />
        </Notice>
      ))}
      <dl className="pairs">
        <Pair name={text.desired}>
          {value.desired != null && (
            <>
              <Value value={value.desired} />{" "}
              {value.revision != null && (
                <span className="small quiet">{text.revision(formats.number(value.revision))}</span>
              )}
            </>
          )}
        </Pair>
        <Pair name={text.askedBy}>
          {value.asked ? <Asked value={value.asked} /> : value.asked_unknown}
        </Pair>
        <Pair name={text.readBack}>
          {value.shown ? (
            <>
              <Value value={value.shown.value} />{" "}
              <span className="small quiet">
                <Ago at={value.shown.at} />
              </span>
            </>
          ) : (
            <span className="quiet">{text.neverShown}</span>
          )}
        </Pair>
        <Pair name={text.restartSince}>
          {value.restart_pending_since && <Ago at={value.restart_pending_since} />}
        </Pair>
        <Pair name={text.before}>
          {value.before && (
            <>
              {text.beforeDesired}:{" "}
              {value.before.desired == null ? (
                <span className="quiet">{text.nothingAsked}</span>
              ) : (
                <Value value={value.before.desired} />
              )}
              , {text.beforeShown}:{" "}
              {value.before.shown == null ? (
                <span className="quiet">{text.neverShown}</span>
              ) : (
                <Value value={value.before.shown} />
              )}
            </>
          )}
        </Pair>
        <Pair name={text.route}>{value.route}</Pair>
      </dl>
    </details>
  );
}

/** Who asked for a value, by which API, when, and what came of it. */
function Asked({ value: asked }: { value: NonNullable<ExplainedValue["asked"]> }) {
  const { ref } = useSubject();
  const { device: text } = useText();
  const proofs: Record<string, string> = text.proof;
  const proof = asked.proof ? (proofs[asked.proof] ?? asked.proof) : null;
  return (
    <>
      <p>
        <By actor={asked.actor} door={asked.door} /> · <Moment at={asked.accepted_at} /> (
        <Ago at={asked.accepted_at} />)
      </p>
      <p className="row">
        <JobBadge state={asked.state} />
        <UpdateLink
          id={asked.update}
          rollout={asked.rollout}
          project={ref.project}
          label={operationWord(text, asked.operation)}
        />
        {proof && <span className="small quiet">{proof}</span>}
      </p>
      {asked.detail && <p className="small break">{asked.detail}</p>}
    </>
  );
}
