import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useFormats, useText } from "../../i18n";
import { Loaded } from "../../parts/Loading";
import { Card } from "../../parts/Page";
import { failures, type Update } from "./queries";
import { ReasonTable } from "./ReasonTable";

/** Why its jobs have failed; each reason leads to its jobs. */
export function FailureCard({ update, isKept }: { update: Update; isKept: boolean }) {
  const { update: text } = useText();
  const formats = useFormats();
  const hasFailed = update.jobs.failed > 0;
  const query = useQuery({ ...failures(update.id), enabled: hasFailed });
  return (
    <Card title={text.failures}>
      <div className={isKept ? "failures-kept column" : "column"}>
        {hasFailed ? (
          <Loaded query={query} height={120}>
            {(found) => (
              <>
                <ReasonTable
                  project={update.project}
                  reasons={found.groups
                    // Those stand in a list of their own, whole.
                    .filter((group) => !group.refused)
                    .map((group) => ({
                      key: `${group.code}|${group.message}`,
                      code: group.code,
                      message: group.message,
                      whatToDo: group.what_to_do,
                      count: group.count,
                      devices: group.devices,
                      all: (
                        <Link
                          to="/ui/updates/$id"
                          params={{ id: update.id }}
                          search={(search) => ({
                            ...search,
                            state: ["failed"],
                            code: group.code,
                            reason: group.job ?? undefined,
                          })}
                          hash="jobs"
                        >
                          {text.itsJobs}
                        </Link>
                      ),
                    }))}
                />
                {found.other && (
                  <p className="field-hint">
                    {text.failuresOther(formats.number(found.other.count))}
                  </p>
                )}
              </>
            )}
          </Loaded>
        ) : (
          <p className="quiet">{text.noFailures}</p>
        )}
      </div>
    </Card>
  );
}
