import { useText } from "../../i18n";
import { OneProject } from "../../parts/OneProject";
import { Page } from "../../parts/Page";
import { Pending } from "./Pending";
import { Terms } from "./Terms";

/** How cameras that nobody has put on record come into a project. */
export function EnrolmentPage() {
  const { enrolment: text } = useText();
  return (
    <Page title={text.title} note={text.note}>
      <OneProject>
        {(project) => (
          <>
            <Terms key={`terms ${project}`} project={project} />
            <Pending key={project} project={project} />
          </>
        )}
      </OneProject>
    </Page>
  );
}
