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
