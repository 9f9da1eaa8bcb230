import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, change } from "../../api/client";
import { serverNow } from "../../api/clock";
import type { components } from "../../api/schema";
import { useText } from "../../i18n";
import { Badge } from "../../parts/Badge";
import { Button } from "../../parts/Button";
import { Confirm } from "../../parts/Dialog";
import { TextField } from "../../parts/Field";
import { FormDialog } from "../../parts/FormDialog";
import { Loaded } from "../../parts/Loading";
import { Empty, ProblemNotice } from "../../parts/Notice";
import { useIsNarrow } from "../../parts/narrow";
import { Card } from "../../parts/Page";
import { type Column, Rows } from "../../parts/Rows";
import { SecretDialog } from "../../parts/Secret";
import { Ago, Moment } from "../../parts/Time";
import { say } from "../../parts/toasts";
import { tokensQuery } from "./query";

type Token = components["schemas"]["Token"];

/** A user's tokens: named ones, and those got by signing in. */
export function Tokens({ name, canCreate }: { name: string; canCreate: boolean }) {
  const { users: text } = useText();
  const isNarrow = useIsNarrow();
  const query = useQuery(tokensQuery(name));
  const [isCreating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<Token>();
  const columns: Column<Token>[] = [
    {
      id: "token",
      header: text.token,
      width: "minmax(110px, 2fr)",
      cell: (token) => token.name ?? <span className="quiet">{text.signedIn}</span>,
    },
    {
      id: "issued",
      header: text.issued,
      width: "130px",
      isWideOnly: true,
      cell: (token) => <Ago at={token.issued_at} />,
    },
    {
      id: "expires",
      header: text.expires,
      width: "minmax(90px, 210px)",
      cell: (token) =>
        Date.parse(token.expires_at) < serverNow() ? (
          <Badge tone="none">{text.expired}</Badge>
        ) : isNarrow ? (
          <Ago at={token.expires_at} />
        ) : (
          <Moment at={token.expires_at} />
        ),
    },
    {
      id: "used",
      header: text.lastUsed,
      width: "130px",
      isWideOnly: true,
      cell: (token) => <Ago at={token.last_used_at} />,
    },
    {
      id: "act",
      header: <span className="heard">{text.revoke}</span>,
      width: "96px",
      cell: (token) => (
        <Button
          kind="danger"
          aria-label={`${text.revoke} ${token.name ?? token.id}`}
          onClick={() => setRevoking(token)}
        >
          {text.revoke}
        </Button>
      ),
    },
  ];
  return (
    <Card
      title={text.tokens}
      actions={canCreate && <Button onClick={() => setCreating(true)}>{text.createToken}</Button>}
    >
      <p className="quiet">{text.tokensNote}</p>
      <Loaded query={query} height={180}>
        {(tokens) =>
          tokens.length === 0 ? (
            <Empty>{text.noTokens}</Empty>
          ) : (
            <Rows
              label={text.tokens}
              rows={tokens}
              rowKey={(token) => token.id}
              columns={columns}
              isNarrow={isNarrow}
              height={`min(50vh, ${38 + tokens.length * 44}px)`}
            />
          )
        }
      </Loaded>
      {isCreating && <CreateToken name={name} onClose={() => setCreating(false)} />}
      {revoking && <Revoke user={name} of={revoking} onClose={() => setRevoking(undefined)} />}
    </Card>
  );
}

function Revoke({ user, of: token, onClose }: { user: string; of: Token; onClose: () => void }) {
  const { users: text } = useText();
  const client = useQueryClient();
  const revoke = useMutation({
    mutationFn: () =>
      change((header) =>
        api.DELETE("/api/v1/tokens/{id}", { params: { path: { id: token.id }, header } }),
      ),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: tokensQuery(user).queryKey });
      say("good", text.revoked);
      onClose();
    },
  });
  return (
    <Confirm
      title={text.revokeTitle(token.name ?? text.signedIn)}
      action={text.revoke}
      isDangerous
      isBusy={revoke.isPending}
      onConfirm={() => revoke.mutate()}
      onClose={onClose}
    >
      {revoke.isError && <ProblemNotice error={revoke.error} />}
      <p>{text.revokeWhat}</p>
    </Confirm>
  );
}

/** Makes a token, and shows it once. */
function CreateToken({ name: user, onClose }: { name: string; onClose: () => void }) {
  const { users: text, parts } = useText();
  const client = useQueryClient();
  const [name, setName] = useState("");
  const [days, setDays] = useState("90");
  const [secret, setSecret] = useState<string>();
  const count = Number(days);
  const isRight = Number.isInteger(count) && count >= 1 && count <= 366;
  const create = useMutation({
    mutationFn: () =>
      change((header) =>
        api.POST("/api/v1/users/{name}/tokens", {
          params: { path: { name: user }, header },
          body: { name, expires_in_days: count },
        }),
      ),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: tokensQuery(user).queryKey });
      setSecret(made.token);
    },
  });
  if (secret !== undefined) {
    return (
      <SecretDialog title={text.tokenMade} secrets={[{ name, value: secret }]} onClose={onClose} />
    );
  }
  return (
    <FormDialog
      title={text.createTokenTitle(user)}
      action={parts.create}
      isBusy={create.isPending}
      error={create.error}
      isReady={name !== "" && isRight}
      onSubmit={() => create.mutate()}
      onClose={onClose}
    >
      <TextField
        label={text.tokenName}
        hint={text.tokenNameHint}
        required
        value={name}
        onChange={(event) => setName(event.target.value)}
      />
      <TextField
        label={text.days}
        hint={isRight ? text.daysHint : undefined}
        error={isRight ? undefined : text.daysHint}
        inputMode="numeric"
        value={days}
        onChange={(event) => setDays(event.target.value)}
      />
    </FormDialog>
  );
}
