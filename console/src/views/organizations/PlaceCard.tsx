import { Link } from "@tanstack/react-router";
import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Notice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { Moment } from "../../parts/Time";
import { CreateOrganization, DeleteOrganization, MoveOrganization } from "./edits";
import { LEVELS_MAX, type Place, within } from "./tree";

/** A place of the tree, and what can be done with it. */
export function PlaceCard({
  project,
  place,
  isWhole,
  isAdmin,
  onChoose,
}: {
  project: string;
  place: Place;
  /** Whether all organizations are loaded, so that those below it are known. */
  isWhole: boolean;
  isAdmin: boolean;
  onChoose: (path: string | undefined) => void;
}) {
  const { organizations: text } = useText();
  const formats = useFormats();
  const [asking, setAsking] = useState<"create" | "make" | "move" | "delete">();
  const close = () => setAsking(undefined);
  const { organization } = place;
  const below = within(place).length - (organization ? 1 : 0);
  return (
    <Card title={<span className="break">{place.path}</span>}>
      {!organization && (
        <Notice
          tone="none"
          actions={isAdmin && <Button onClick={() => setAsking("make")}>{text.makeIt}</Button>}
        >
          {text.implied}
        </Notice>
      )}
      <dl className="pairs">
        {organization && (
          <>
            <dt>{text.id}</dt>
            <dd>
              <code className="break">{organization.id}</code>
            </dd>
            <dt>{text.made}</dt>
            <dd>
              <Moment at={organization.created_at} />
            </dd>
            <dt>{text.changed}</dt>
            <dd>
              <Moment at={organization.updated_at} />
            </dd>
          </>
        )}
        <dt>{text.below}</dt>
        <dd className="numbers">{formats.number(below)}</dd>
      </dl>
      <p className="row">
        <Link to="/ui/devices" search={{ project, kind: "camera", organization: place.path }}>
          {text.toDevices}
        </Link>
        <Link to="/ui/passwords" search={{ project, organization: place.path }}>
          {text.toPasswords}
        </Link>
      </p>
      {isAdmin && (
        <div className="row">
          {place.level < LEVELS_MAX && (
            <Button onClick={() => setAsking("create")}>{text.createBelow}</Button>
          )}
          {organization && (
            <>
              <Button onClick={() => setAsking("move")}>{text.move}</Button>
              <Button kind="danger" onClick={() => setAsking("delete")}>
                {text.remove}
              </Button>
            </>
          )}
        </div>
      )}
      {(asking === "create" || asking === "make") && (
        <CreateOrganization
          project={project}
          path={asking === "make" ? place.path : `${place.path}/`}
          onMade={onChoose}
          onClose={close}
        />
      )}
      {asking === "move" && (
        <MoveOrganization
          project={project}
          place={place}
          isWhole={isWhole}
          onMoved={onChoose}
          onClose={close}
        />
      )}
      {asking === "delete" && organization && (
        <DeleteOrganization
          project={project}
          organization={organization}
          onDeleted={() => onChoose(undefined)}
          onClose={close}
        />
      )}
    </Card>
  );
}
