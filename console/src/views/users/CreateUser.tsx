import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { SelectField, TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { SecretDialog } from "../../parts/Secret";
import { say } from "../../parts/toasts";
import { isTaken, madePassword } from "./password";
import { useRoleChoices } from "./RoleSelect";

/** A password, typed or made. One that was made is shown once, when it holds. */
export function PasswordField({
  value,
  isMade,
  onChange,
}: {
  value: string;
  isMade: boolean;
  onChange: (value: string, isMade: boolean) => void;
}) {
  const { users: text } = useText();
  return (
    <div className="column">
      <TextField
        label={text.password}
        hint={text.passwordHint}
        type={isMade ? "text" : "password"}
        autoComplete="new-password"
        required
        value={value}
        onChange={(event) => onChange(event.target.value, false)}
      />
      <div className="row">
        <Button onClick={() => onChange(madePassword(), true)}>{text.generate}</Button>
      </div>
    </div>
  );
}

/** Makes a user of a project. */
export function CreateUser({
  projects,
  onClose,
}: {
  projects: readonly string[];
  onClose: () => void;
}) {
  const { users: text, parts } = useText();
  const client = useQueryClient();
  const roles = useRoleChoices();
  const [chosen, choose] = useState<string>();
  const project = chosen ?? projects[0] ?? "";
  const [name, setName] = useState("");
  const [password, setPassword] = useState({ value: "", isMade: false });
  const [role, setRole] = useState("operator");
  const [isShown, setShown] = useState(false);
  const create = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/projects/{project}/users", {
          params: { path: { project }, header },
          body: { name, password: password.value, role },
        }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: ["users"] });
      if (password.isMade) {
        setShown(true);
      } else {
        say("good", text.created(name));
        onClose();
      }
    },
  });
  if (isShown) {
    return (
      <SecretDialog
        title={text.createdTitle}
        secrets={[
          { name: text.user, value: name },
          { name: text.password, value: password.value },
        ]}
        onClose={onClose}
      />
    );
  }
  return (
    <FormDialog
      title={text.createTitle}
      action={parts.create}
      isBusy={create.isPending}
      error={create.error}
      isReady={name !== "" && isTaken(password.value)}
      isBegun={password.isMade}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <SelectField
        label={text.project}
        value={project}
        choices={projects.map((id) => ({ value: id, label: id }))}
        onChange={(event) => choose(event.target.value)}
      />
      <TextField
        label={text.name}
        hint={text.nameHint}
        required
        spellCheck={false}
        autoCapitalize="none"
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <PasswordField {...password} onChange={(value, isMade) => setPassword({ value, isMade })} />
      <SelectField
        label={text.role}
        hint={text.roleHint}
        value={role}
        choices={roles}
        onChange={(event) => setRole(event.target.value)}
      />
    </FormDialog>
  );
}
