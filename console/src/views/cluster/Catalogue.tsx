import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, ask, change } from "../../api/client";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Loaded } from "../../parts/Loading";
import { ProblemNotice } from "../../parts/Notice";
import { Card } from "../../parts/Page";
import { say } from "../../parts/toasts";

/** What is known of properties, and its reload from files. */
export function Catalogue() {
  const { cluster: text } = useText();
  const formats = useFormats();
  const client = useQueryClient();
  const query = useQuery({
    queryKey: ["catalogue"],
    queryFn: () => ask(api.GET("/api/v1/catalogue")),
    staleTime: 60_000,
  });
  const reload = useMutation({
    mutationFn: () =>
      change((header) => api.POST("/api/v1/catalogue/reload", { params: { header } })),
    onSuccess: (made) => {
      void client.invalidateQueries({ queryKey: ["catalogue"] });
      say("good", text.reloaded(formats.number(made.properties), formats.number(made.profiles)));
    },
  });
  return (
    <Card
      title={text.catalogue}
      actions={
        <Button isBusy={reload.isPending} onClick={() => reload.mutate()}>
          {text.reload}
        </Button>
      }
    >
      <p className="quiet">{text.catalogueNote}</p>
      <p className="quiet">{text.reloadNote}</p>
      {reload.isError && <ProblemNotice error={reload.error} />}
      <Loaded query={query} height={80}>
        {(catalogue) => (
          <dl className="pairs">
            <dt>{text.properties}</dt>
            <dd className="numbers">{formats.number(catalogue.properties.length)}</dd>
            <dt>{text.profiles}</dt>
            <dd className="break">
              {catalogue.profiles.map((profile) => profile.name).join(", ")}
            </dd>
            <dt>{text.operatorFiles}</dt>
            <dd className="break">{catalogue.operator_files.join(", ") || text.builtIn}</dd>
          </dl>
        )}
      </Loaded>
    </Card>
  );
}
