import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, change } from "../../api/client";
import { session } from "../../api/session";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { SelectField } from "../../parts/Field";
import { useWhy } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { grantsQuery, holdersQuery } from "./query";

/** The choice that stands for no role. */
const NONE = "";

/** The roles, as a field offers them. */
export function useRoleChoices(): { value: string; label: string }[] {
  const { states } = useText();
  return (["viewer", "operator", "admin"] as const).map((role) => ({
    value: role,
    label: states.role[role],
  }));
}

/**
 * What a user may do in a project. A choice holds once it is saved: the arrow keys go through the
 * roles of a closed field, and none of those on the way is meant.
 */
export function RoleSelect({
  user,
  project,
  role,
}: {
  user: string;
  project: string;
  role: string | undefined;
}) {
  const { users: text, parts } = useText();
  const why = useWhy();
  const client = useQueryClient();
  const choices = useRoleChoices();
  const frame = useRef<HTMLDivElement>(null);
  // Undefined where it is as it is held, so that others' changes are seen.
  const [chosen, choose] = useState<string>();
  const held = role ?? NONE;
  const value = chosen ?? held;
  const set = useMutation({
    mutationFn: (wanted: string) => {
      const path = { name: user, project };
      return change((header) =>
        wanted === NONE
          ? api.DELETE("/api/v1/users/{name}/grants/{project}", { params: { path, header } })
          : api.PUT("/api/v1/users/{name}/grants/{project}", {
              params: { path, header },
              body: { role: wanted },
            }),
      );
    },
    onSuccess: async (_, wanted) => {
      const word = choices.find((choice) => choice.value === wanted)?.label ?? wanted;
      say(
        "good",
        wanted === NONE ? text.ungranted(user, project) : text.granted(user, word, project),
      );
      // One's own roles decide what is offered.
      void client.invalidateQueries({ queryKey: session.queryKey });
      await Promise.all([
        client.invalidateQueries({ queryKey: grantsQuery(user).queryKey }),
        client.invalidateQueries({ queryKey: holdersQuery(project).queryKey }),
      ]);
      choose((now) => (now === wanted ? undefined : now));
      // The button that had the focus is gone.
      frame.current?.querySelector("select")?.focus();
    },
    onError: (error) => say("bad", why(error)),
  });
  return (
    <div ref={frame} className="row">
      <SelectField
        label={text.roleOf(user, project)}
        isLabelHidden
        value={value}
        choices={[{ value: NONE, label: text.noRole }, ...choices]}
        onChange={(event) => choose(event.target.value)}
      />
      {value !== held && (
        <Button
          kind={value === NONE ? "danger" : "primary"}
          aria-label={`${parts.save}: ${text.roleOf(user, project)}`}
          isBusy={set.isPending}
          onClick={() => set.mutate(value)}
        >
          {parts.save}
        </Button>
      )}
    </div>
  );
}
