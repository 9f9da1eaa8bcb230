import type { components } from "../../api/schema";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Card } from "../../parts/Page";
import { Ago, Moment } from "../../parts/Time";

/** The nodes, and what each does. */
export function Nodes({ nodes }: { nodes: readonly components["schemas"]["Node"][] }) {
  const { cluster: text } = useText();
  const formats = useFormats();
  return (
    <Card title={text.nodes}>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and keys have to reach it */}
      <section className="table-frame" aria-label={text.nodes} tabIndex={0}>
        <table className="table numbers">
          <thead>
            <tr>
              {[
                text.node,
                text.state,
                text.roles,
                text.shards,
                text.bindings,
                text.lanes,
                text.actions,
                text.lag,
                text.leaseLeft,
                text.renewed,
                text.started,
                text.version,
                text.http,
                text.sip,
              ].map((word) => (
                <th key={word} scope="col">
                  {word}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr key={`${node.node} ${node.started_at}`}>
                <th scope="row">{node.node}</th>
                <td>
                  <Badge tone={node.lives ? "good" : "bad"}>
                    {node.lives ? text.lives : text.died}
                  </Badge>
                </td>
                <td>{node.roles.join(", ")}</td>
                <td>{formats.number(node.shards)}</td>
                <td>{formats.number(node.bindings)}</td>
                <td>{formats.number(node.lanes)}</td>
                <td>{formats.number(node.actions)}</td>
                <td>{text.seconds(formats.number(node.feed_lag_seconds))}</td>
                <td>
                  {typeof node.lease_left_seconds === "number"
                    ? text.seconds(formats.number(Math.round(node.lease_left_seconds)))
                    : text.endless}
                </td>
                <td>
                  <Ago at={node.renewed_at} />
                </td>
                <td>
                  <Moment at={node.started_at} />
                </td>
                <td>{node.version}</td>
                <td>{node.http}</td>
                <td>{node.sip}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </Card>
  );
}
