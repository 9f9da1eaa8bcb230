import { useMutation, useQueryClient } from "@tanstack/react-query";
import { api, change } from "../../api/client";
import { useText } from "../../i18n";
import { SelectField } from "../../parts/Field";
import { useWhy } from "../../parts/Notice";
import { say } from "../../parts/toasts";
import { grantsQuery } from "./query";

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

/** What a user may do in a project. A choice holds at once. */
export function RoleSelect({
  user,
  project,
  role,
}: {
  user: string;
  project: string;
  role: string | undefined;
}) {
  const { users: text } = useText();
  const why = useWhy();
  const client = useQueryClient();
  const choices = useRoleChoices();
  const set = useMutation({
    mutationFn: (chosen: string) => {
      const path = { name: user, project };
      return change((header) =>
        chosen === NONE
          ? api.DELETE("/api/v1/users/{name}/grants/{project}", { params: { path, header } })
          : api.PUT("/api/v1/users/{name}/grants/{project}", {
              params: { path, header },
              body: { role: chosen },
            }),
      );
    },
    onSuccess: async (_, chosen) => {
      const word = choices.find((choice) => choice.value === chosen)?.label ?? chosen;
      say(
        "good",
        chosen === NONE ? text.ungranted(user, project) : text.granted(user, word, project),
      );
      await client.invalidateQueries({ queryKey: grantsQuery(user).queryKey });
    },
    onError: (error) => say("bad", why(error)),
  });
  return (
    <SelectField
      label={text.roleOf(user, project)}
      isLabelHidden
      disabled={set.isPending}
      value={set.isPending ? set.variables : (role ?? NONE)}
      choices={[{ value: NONE, label: text.noRole }, ...choices]}
      onChange={(event) => set.mutate(event.target.value)}
    />
  );
}
