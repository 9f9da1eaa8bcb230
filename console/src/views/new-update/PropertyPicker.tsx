import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useFormats, useText } from "../../i18n";
import { Button } from "../../parts/Button";
import { Dialog } from "../../parts/Dialog";
import { TextField } from "../../parts/Field";
import { Loaded } from "../../parts/Loading";
import { catalogue, matching, propertyOf } from "./catalogue";
import { About } from "./Values";

/** What a name of one's own has to look like, and no more: the server knows which are the system's. */
const OWN_NAME = /^[A-Za-z][\w.:-]{0,127}$/;

/** Chooses a property from the catalogue, or a name of one's own. Enter takes the first. */
export function PropertyPicker({
  kind,
  taken,
  hasOwnNames,
  onPick,
  onClose,
}: {
  kind: string;
  taken: ReadonlySet<string>;
  hasOwnNames: boolean;
  onPick: (name: string) => void;
  onClose: () => void;
}) {
  const { newUpdate: text, parts } = useText();
  const formats = useFormats();
  const [wanted, setWanted] = useState("");
  const query = useQuery(catalogue);
  const name = wanted.trim();
  return (
    <Dialog title={text.pick} onClose={onClose} width={620}>
      <Loaded query={query} height={420}>
        {({ properties }) => {
          const found = matching(properties, kind, wanted);
          const offered = found.filter((property) => !property.name.endsWith("*"));
          const known = propertyOf(properties, kind, name);
          // A name that a `*` stands for is the catalogue's, though it does not list it.
          const isOwn =
            OWN_NAME.test(name) &&
            !taken.has(name) &&
            (known ? known.name.endsWith("*") : hasOwnNames);
          const first = offered.find((property) => !taken.has(property.name));
          const takeFirst = () => {
            const exact = offered.find((property) => property === known);
            const picked = (exact ?? first)?.name ?? (isOwn ? name : undefined);
            if (picked !== undefined && !taken.has(picked)) {
              onPick(picked);
            }
          };
          return (
            <div className="column">
              <TextField
                label={text.find}
                type="search"
                spellCheck={false}
                autoFocus
                value={wanted}
                hint={kind === "camera" ? text.channelHint : undefined}
                onChange={(event) => setWanted(event.target.value)}
                onKeyDown={(event) => {
                  if (event.key === "Enter" && !event.nativeEvent.isComposing) {
                    // It may stand in a form, which is not sent by that.
                    event.preventDefault();
                    takeFirst();
                  }
                }}
              />
              <p className="small quiet" aria-live="polite">
                {offered.length > 0
                  ? text.found(formats.number(offered.length))
                  : !isOwn && text.foundNone}
              </p>
              <ul className="pick-list" aria-label={text.pick}>
                {offered.map((property) => {
                  const isTaken = taken.has(property.name);
                  return (
                    <li key={property.name}>
                      <button
                        type="button"
                        className="pick"
                        disabled={isTaken}
                        onClick={() => onPick(property.name)}
                      >
                        <code>{property.name}</code>{" "}
                        <span className="small quiet">
                          {isTaken ? text.isTaken : property.aliases.join(", ")}
                        </span>
                        <br />
                        <span className="small quiet">
                          <About property={property} />
                        </span>
                      </button>
                    </li>
                  );
                })}
                {isOwn && (
                  <li>
                    <button type="button" className="pick" onClick={() => onPick(name)}>
                      <b>{text.ownName(name)}</b>
                      <br />
                      <span className="small quiet">{known?.meaning ?? text.ownNameHint}</span>
                    </button>
                  </li>
                )}
              </ul>
            </div>
          );
        }}
      </Loaded>
      <div className="dialog-actions">
        <Button onClick={onClose}>{parts.cancel}</Button>
      </div>
    </Dialog>
  );
}
