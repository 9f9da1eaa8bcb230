import { Link } from "@tanstack/react-router";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Meter } from "../../parts/Meter";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import type { Rollout, Update } from "./queries";

/** How high the table's head and each of its rows are, as updates.css has it. */
const HEAD = 40;
const ROW = 58;

/** How many waves are in sight at a time. */
const IN_SIGHT = 4;

/** How many waves an update will have, as far as its plan tells. */
export function wavesOf({ plan, devices, waves }: Rollout): number {
  const { canary = 0, wave = devices } = plan;
  const first = canary > 0 ? 1 : 0;
  const further = Math.ceil(Math.max(0, devices - canary) / Math.max(1, wave));
  return Math.max(waves.length, first + further);
}

/** The latest waves of an update; `isKept` keeps the place of those that are to come. */
export function WavesCard({
  update,
  rollout,
  isKept,
}: {
  update: Update;
  rollout: Rollout;
  isKept: boolean;
}) {
  const { update: text } = useText();
  const formats = useFormats();
  const waves = [...rollout.waves].reverse();
  return (
    <Card title={text.waves}>
      <div
        className="table-frame waves-frame"
        style={isKept ? { minHeight: HEAD + ROW * Math.min(IN_SIGHT, wavesOf(rollout)) } : {}}
      >
        <table className="table numbers">
          <thead>
            <tr>
              <th scope="col">{text.waveNumber}</th>
              <th scope="col">{text.devices}</th>
              <th scope="col">{text.progress}</th>
              <th scope="col">{text.begun}</th>
              <th scope="col">{text.over}</th>
            </tr>
          </thead>
          <tbody>
            {waves.length === 0 && (
              <tr>
                <td colSpan={5} className="quiet">
                  {text.wavesNone}
                </td>
              </tr>
            )}
            {waves.map((wave) => (
              <tr key={wave.number}>
                <td>
                  <Link
                    to="/ui/updates/$id"
                    params={{ id: wave.request }}
                    search={{ project: update.project }}
                    title={wave.request}
                  >
                    {formats.number(wave.number)}
                  </Link>
                </td>
                <td>{formats.number(wave.devices)}</td>
                <td className="wave-progress">
                  <Meter
                    total={wave.devices}
                    shares={[
                      { tone: "good", count: wave.succeeded, label: text.counts.succeeded },
                      { tone: "bad", count: wave.failed + wave.refused, label: text.counts.failed },
                      { tone: "busy", count: wave.open, label: text.isOpen },
                    ]}
                  />
                  <span className="small">
                    {[
                      [wave.succeeded, text.counts.succeeded],
                      [wave.failed, text.counts.failed],
                      [wave.refused, text.counts.refused],
                      [wave.open, text.isOpen],
                      [wave.lost, text.lost],
                      [wave.away, text.counts.away],
                    ]
                      .filter(([count]) => count !== 0)
                      .map(([count, word]) => `${formats.number(Number(count))} ${word}`)
                      .join(" · ")}
                  </span>
                </td>
                <td>
                  <Moment at={wave.begun_at} />
                </td>
                <td>
                  {wave.ended_at ? (
                    <Moment at={wave.ended_at} />
                  ) : (
                    <Badge tone="busy">{text.isOpen}</Badge>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {waves.some((wave) => wave.lost > 0) && <p className="field-hint">{text.lostHint}</p>}
      {rollout.wave > waves.length && <p className="field-hint">{text.latestWaves}</p>}
    </Card>
  );
}
