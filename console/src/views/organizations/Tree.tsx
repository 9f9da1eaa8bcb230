import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from "react";
import { useText } from "../../i18n";
import { above, linesOf, type Place, stepOf } from "./tree";

const LINE_HEIGHT = 32;

/**
 * The tree, of which only what is in sight is drawn. It is one stop of the Tab key; inside, the
 * arrow keys go, open and close, and Enter or Space chooses.
 */
export function Tree({
  tree,
  chosen,
  onChoose,
}: {
  tree: readonly Place[];
  chosen: string | undefined;
  onChoose: (path: string) => void;
}) {
  const { organizations: text } = useText();
  const frame = useRef<HTMLDivElement>(null);
  const id = useId();
  // Of a small tree all is seen at first; of a large one the first level.
  const [open, setOpen] = useState<ReadonlySet<string>>(
    () => new Set([...(chosen === undefined ? [] : above(chosen)), ...opened(tree)]),
  );
  const [active, setActive] = useState(chosen);
  const lines = useMemo(() => linesOf(tree, open), [tree, open]);
  const at = Math.max(
    0,
    lines.findIndex((line) => line.place.path === active),
  );
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => frame.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 12,
    getItemKey: (index) => lines[index]?.place.path ?? index,
  });
  // What is chosen from elsewhere, as one that was just made, is in sight.
  useEffect(() => {
    if (chosen !== undefined) {
      setActive(chosen);
      setOpen((before) => new Set([...before, ...above(chosen)]));
    }
  }, [chosen]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: only where one goes is scrolled to
  useEffect(() => virtual.scrollToIndex(at), [at]);

  const toggle = (path: string, isOpen: boolean) => {
    const next = new Set(open);
    if (isOpen) {
      next.add(path);
    } else {
      next.delete(path);
    }
    setOpen(next);
  };
  const move = (event: KeyboardEvent) => {
    const step = stepOf(event.key, lines, at);
    if (!step) {
      return;
    }
    event.preventDefault();
    if (step.does === "go") {
      setActive(step.path);
    } else if (step.does === "choose") {
      onChoose(step.path);
    } else {
      toggle(step.path, step.does === "open");
    }
  };
  return (
    <div
      ref={frame}
      className="tree"
      role="tree"
      aria-label={text.tree}
      tabIndex={0}
      aria-activedescendant={lines[at] && `${id}-${at}`}
      onKeyDown={move}
    >
      <div role="presentation" className="tree-body" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index];
          if (!line) {
            return null;
          }
          const { place, isOpen, position, among } = line;
          return (
            // biome-ignore lint/a11y/useKeyWithClickEvents: the tree takes the keys
            <div
              key={item.key}
              id={`${id}-${item.index}`}
              className="tree-line"
              role="treeitem"
              tabIndex={-1}
              aria-level={place.level}
              aria-posinset={position}
              aria-setsize={among}
              aria-expanded={place.children.length > 0 ? isOpen : undefined}
              aria-selected={place.path === chosen}
              data-active={item.index === at}
              data-implied={place.organization === undefined}
              style={{
                height: LINE_HEIGHT,
                transform: `translateY(${item.start}px)`,
                paddingInlineStart: (place.level - 1) * 20,
              }}
              onClick={() => {
                setActive(place.path);
                onChoose(place.path);
                // A line that holds the focus would lose it where it is scrolled out of sight.
                frame.current?.focus({ preventScroll: true });
              }}
            >
              {place.children.length > 0 ? (
                <span
                  className="tree-twist"
                  aria-hidden="true"
                  onClick={(event) => {
                    event.stopPropagation();
                    setActive(place.path);
                    toggle(place.path, !isOpen);
                    frame.current?.focus({ preventScroll: true });
                  }}
                >
                  {isOpen ? "▾" : "▸"}
                </span>
              ) : (
                <span className="tree-twist" aria-hidden="true" />
              )}
              <span className="tree-name">{place.name}</span>
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** How many lines a tree may have that is shown open. */
const OPEN_AT_FIRST = 60;

/** What is open at first. */
function opened(tree: readonly Place[]): string[] {
  const paths = (places: readonly Place[]): string[] =>
    places.flatMap((place) => [place.path, ...paths(place.children)]);
  const all = paths(tree);
  return all.length <= OPEN_AT_FIRST ? all : [];
}
