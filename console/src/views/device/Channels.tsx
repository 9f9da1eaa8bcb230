import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Skeleton } from "../../parts/Loading";
import { Empty, Notice, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { type Column, moreOf, Rows } from "../../parts/Rows";
import { ValueBadge } from "../../parts/states";
import { Ago } from "../../parts/Time";
import { type Channel, catalogueOf, channelsOf, useSubject } from "./data";
import { Conflict, useDesire } from "./desiring";

/** The property of a recorder that is this part of a channel of it. */
function partOf(channel: Channel, part: "Name" | "Desc" | "Organization"): string {
  return `Channel.${channel.id}.${part}`;
}

/** The channels of a camera or recorder: our names for them beside its own. */
export function Channels() {
  const { ref } = useSubject();
  const { device: text } = useText();
  const isNarrow = useIsNarrow();
  const query = useInfiniteQuery(channelsOf(ref));
  const channels = useMemo(
    () => query.data?.pages.flatMap((page) => page.channels) ?? [],
    [query.data],
  );
  const [edited, setEdited] = useState<Channel | null>(null);
  const columns = useColumns(setEdited);
  const rowHeight = isNarrow ? 92 : 60;
  const retry = () => void (query.isFetchNextPageError ? query.fetchNextPage() : query.refetch());
  if (query.data === undefined) {
    return query.isError ? (
      <ProblemNotice error={query.error} retry={retry} />
    ) : (
      <Skeleton height={420} />
    );
  }
  if (channels.length === 0) {
    return <Empty>{text.channelsNothing}</Empty>;
  }
  return (
    <>
      {query.isError && <ProblemNotice error={query.error} retry={retry} />}
      <Rows
        label={text.tabChannels}
        rows={channels}
        rowKey={(channel) => channel.id}
        columns={columns}
        rowHeight={rowHeight}
        height={query.hasNextPage ? undefined : `min(60vh, ${channels.length * rowHeight + 38}px)`}
        isNarrow={isNarrow}
        {...moreOf(query)}
      />
      {edited && <EditChannel key={edited.id} channel={edited} onClose={() => setEdited(null)} />}
    </>
  );
}

function useColumns(onEdit: (channel: Channel) => void): Column<Channel>[] {
  const { device, mayOperate } = useSubject();
  const { device: text, parts } = useText();
  const formats = useFormats();
  const isNarrow = useIsNarrow();
  const mayEdit = mayOperate && !device.frozen;
  const status = (channel: Channel) => {
    if (!channel.status) {
      return <span className="quiet">{parts.none}</span>;
    }
    const isOn = channel.status === "ON";
    return <Badge tone={isOn ? "good" : "bad"}>{isOn ? text.channelOn : text.channelOff}</Badge>;
  };
  return [
    {
      id: "name",
      header: text.channelName,
      width: "minmax(140px, 1.4fr)",
      cell: (channel) => {
        const state = device.states[partOf(channel, "Name")];
        return (
          <>
            <div className="device-clip">
              {channel.name ?? <span className="quiet">{text.noName}</span>}{" "}
              {state && <ValueBadge state={state} />}
            </div>
            <code className="small quiet">{channel.id}</code>
            {isNarrow && (
              <div className="small device-clip">
                {status(channel)} {channel.reported_name}
              </div>
            )}
          </>
        );
      },
    },
    {
      id: "reported",
      header: text.reportedName,
      width: "minmax(110px, 1fr)",
      isWideOnly: true,
      cell: (channel) => channel.reported_name ?? <span className="quiet">{parts.none}</span>,
    },
    {
      id: "status",
      header: text.channelStatus,
      width: "90px",
      isWideOnly: true,
      cell: status,
    },
    {
      id: "organization",
      header: text.organization,
      width: "minmax(100px, 1fr)",
      isWideOnly: true,
      cell: (channel) => (
        <>
          <div className="device-clip">
            {channel.organization?.path ?? <span className="quiet">{parts.none}</span>}
          </div>
          <div className="small quiet device-clip">{channel.description}</div>
        </>
      ),
    },
    {
      id: "make",
      header: text.make,
      width: "minmax(100px, 1fr)",
      isWideOnly: true,
      cell: ({ manufacturer, model }) =>
        [manufacturer, model].filter(Boolean).join(" ") || (
          <span className="quiet">{parts.none}</span>
        ),
    },
    {
      id: "seen",
      header: text.seen,
      width: "130px",
      isWideOnly: true,
      cell: (channel) => (
        <>
          <div>
            <Ago at={channel.seen_at} />
          </div>
          {channel.missed > 0 && (
            <div className="small device-clip">{text.missed(formats.number(channel.missed))}</div>
          )}
        </>
      ),
    },
    ...(mayEdit
      ? [
          {
            id: "acts",
            header: <span className="heard">{text.rename}</span>,
            width: "84px",
            cell: (channel: Channel) => (
              <Button
                kind="plain"
                aria-label={text.renameOf(channel.id)}
                onClick={() => onEdit(channel)}
              >
                {text.rename}
              </Button>
            ),
          },
        ]
      : []),
  ];
}

/** Changes what is ours of a channel. It is asked of the recorder that has it, on its revision. */
function EditChannel({ channel, onClose }: { channel: Channel; onClose: () => void }) {
  const { device } = useSubject();
  const { device: text, parts } = useText();
  const catalogue = useQuery(catalogueOf(device.profile));
  const profile = catalogue.data?.profiles.find((each) => each.name === device.profile);
  const before = {
    Name: channel.name ?? "",
    Desc: channel.description ?? "",
    Organization: channel.organization?.path ?? "",
  };
  const [now, setNow] = useState(before);
  const desiring = useDesire(onClose);
  const set = Object.fromEntries(
    (["Name", "Desc", "Organization"] as const)
      .filter((part) => now[part] !== before[part])
      .map((part) => [partOf(channel, part), now[part]]),
  );
  const isReady = Object.keys(set).length > 0 && (now.Name !== "" || before.Name === "");
  const type = (part: keyof typeof now) => (event: { target: { value: string } }) =>
    setNow({ ...now, [part]: event.target.value });
  return (
    <FormDialog
      title={text.renameTitle(channel.id)}
      action={parts.save}
      isBusy={desiring.isBusy}
      error={desiring.error}
      isReady={isReady && desiring.conflict === null}
      onSubmit={() => desiring.ask(set)}
      onClose={onClose}
    >
      <Conflict desiring={desiring} set={set} onKeepTheirs={onClose} />
      <Notice tone="none">
        {profile?.gb?.channel_names === false ? text.renameRecord : text.renameWhy}
      </Notice>
      <TextField
        label={text.channelName}
        hint={channel.reported_name && `${text.reportedName}: ${channel.reported_name}`}
        value={now.Name}
        onChange={type("Name")}
      />
      <TextField label={text.description} value={now.Desc} onChange={type("Desc")} />
      <TextField
        label={text.organization}
        hint={text.organizationHint}
        value={now.Organization}
        onChange={type("Organization")}
      />
    </FormDialog>
  );
}
