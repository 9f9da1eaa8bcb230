import { useSyncExternalStore } from "react";

/** One value that parts of the page watch. */
export class Store<T> {
  #value: T;
  readonly #watchers = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  /** The value now. */
  get = (): T => this.#value;

  /** Sets it, and tells whoever watches if it is another one. */
  set(value: T): void {
    if (Object.is(value, this.#value)) {
      return;
    }
    this.#value = value;
    for (const watcher of this.#watchers) {
      watcher();
    }
  }

  /** Has `watcher` called after each change; gives what ends that. */
  watch = (watcher: () => void): (() => void) => {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  };
}

/** The value of a store, for a component that is drawn anew when it changes. */
export function useStore<T>(store: Store<T>): T {
  return useSyncExternalStore(store.watch, store.get);
}

/**
 * A choice of the viewer's that the browser keeps, for all its tabs. A browser that keeps nothing
 * has it for this page alone.
 */
export function kept<T extends string>(
  name: string,
  choices: readonly T[],
  otherwise: T,
): Store<T> {
  const key = `fleetwright.${name}`;
  const read = (): T => {
    try {
      const found = localStorage.getItem(key);
      return choices.find((choice) => choice === found) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  const store = new Store(read());
  store.watch(() => {
    try {
      localStorage.setItem(key, store.get());
    } catch {
      // It holds until the page is left.
    }
  });
  window.addEventListener("storage", (event) => {
    if (event.key === key) {
      store.set(read());
    }
  });
  return store;
}
