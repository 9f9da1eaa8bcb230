import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Confirm } from "../../parts/Dialog";
import { CheckField, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Notice, ProblemNotice } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { organizationsQuery } from "./query";
import { fitsAt, movedPath, type Organization, type Place, within } from "./tree";

/** Has the tree read anew. */
function useReadAnew(project: string) {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: organizationsQuery(project).queryKey });
}

/** Makes an organization. */
export function CreateOrganization({
  project,
  path: given = "",
  onMade,
  onClose,
}: {
  project: string;
  /** What its path begins with. */
  path?: string;
  onMade: (path: string) => void;
  onClose: () => void;
}) {
  const { organizations: text, parts } = useText();
  const readAnew = useReadAnew(project);
  const [path, setPath] = useState(given);
  const create = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/projects/{project}/organizations", {
          params: { path: { project }, header },
          body: { path },
        }),
      ),
    onSuccess: async (made) => {
      say("good", text.created(made.path));
      await readAnew();
      onMade(made.path);
      onClose();
    },
  });
  return (
    <FormDialog
      title={text.createTitle}
      action={parts.create}
      isBusy={create.isPending}
      error={create.error}
      isReady={path !== "" && !path.endsWith("/")}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextField
        label={text.path}
        hint={text.pathHint}
        required
        value={path}
        onChange={(event) => setPath(event.target.value)}
      />
    </FormDialog>
  );
}

/** A move that went so far. */
class MovedInPart extends Error {
  constructor(
    readonly done: number,
    readonly path: string,
    readonly why: unknown,
  ) {
    super();
  }
}

/** Gives an organization another path, and those below it as well if that is wanted. */
export function MoveOrganization({
  project,
  place,
  isWhole,
  onMoved,
  onClose,
}: {
  project: string;
  place: Place;
  /** Whether all that stands below it is known; what is not can't be taken along. */
  isWhole: boolean;
  onMoved: (path: string) => void;
  onClose: () => void;
}) {
  const { organizations: text } = useText();
  const formats = useFormats();
  const readAnew = useReadAnew(project);
  const [path, setPath] = useState(place.path);
  const [isWithBelow, setWithBelow] = useState(isWhole);
  // As they stood when the dialog was opened: what has moved is not moved again after a failure.
  const [all] = useState(() => within(place));
  const [from] = useState(place.path);
  const [done, setDone] = useState(0);
  const moving = isWithBelow ? all : all.slice(0, 1);
  const fits = fitsAt(
    moving.map((organization) => organization.path),
    from,
    path,
  );
  const move = useMutation({
    mutationFn: async () => {
      for (const [index, organization] of moving.entries()) {
        if (index < done) {
          continue;
        }
        setDone(index);
        const to = movedPath(organization.path, from, path);
        try {
          await change((header) =>
            api.PATCH("/api/v1/projects/{project}/organizations/{organization}", {
              params: { path: { project, organization: organization.id }, header },
              body: { path: to },
            }),
          );
        } catch (error) {
          throw new MovedInPart(index, organization.path, error);
        }
      }
    },
    onSuccess: async () => {
      say("good", text.moved(path));
      await readAnew();
      onMoved(path);
      onClose();
    },
  });
  const { error } = move;
  return (
    <FormDialog
      title={text.moveTitle(from)}
      action={text.move}
      isBusy={move.isPending}
      error={error instanceof MovedInPart ? error.why : error}
      isReady={path !== "" && path !== from && fits}
      onSubmit={() => move.mutate()}
      onClose={() => {
        if (done > 0) {
          void readAnew();
        }
        onClose();
      }}
    >
      {error instanceof MovedInPart && moving.length > 1 && (
        <Notice tone="warn">
          {text.movedPart(formats.number(error.done), formats.number(moving.length), error.path)}
        </Notice>
      )}
      <TextField
        label={text.path}
        hint={text.pathHint}
        error={fits ? undefined : text.tooDeep}
        required
        disabled={done > 0}
        value={path}
        onChange={(event) => setPath(event.target.value)}
      />
      {all.length > 1 && (
        <CheckField
          label={text.moveWith(formats.number(all.length - 1))}
          disabled={done > 0 || !isWhole}
          checked={isWithBelow}
          onChange={(event) => setWithBelow(event.target.checked)}
        />
      )}
      {!isWhole && <Notice tone="warn">{text.moveNotWhole}</Notice>}
      <p className="field-hint">{text.moveHint}</p>
      {move.isPending && moving.length > 1 && (
        <p role="status">{text.moving(formats.number(done), formats.number(moving.length))}</p>
      )}
    </FormDialog>
  );
}

/** Asks before an organization is deleted; the server refuses where something is filed in it. */
export function DeleteOrganization({
  project,
  organization,
  onDeleted,
  onClose,
}: {
  project: string;
  organization: Organization;
  onDeleted: () => void;
  onClose: () => void;
}) {
  const { organizations: text } = useText();
  const readAnew = useReadAnew(project);
  const remove = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/projects/{project}/organizations/{organization}", {
          params: { path: { project, organization: organization.id }, header },
        }),
      ),
    onSuccess: async () => {
      say("good", text.removed(organization.path));
      await readAnew();
      onDeleted();
      onClose();
    },
  });
  return (
    <Confirm
      title={text.removeTitle(organization.path)}
      action={text.remove}
      isDangerous
      isBusy={remove.isPending}
      onConfirm={() => remove.mutate()}
      onClose={onClose}
    >
      {remove.isError && <ProblemNotice error={remove.error} />}
      <p>{text.removeWhat}</p>
    </Confirm>
  );
}
