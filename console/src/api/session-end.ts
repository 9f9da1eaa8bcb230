import { Store } from "./store";

/**
 * That the session is over: `told` beside the view, or `asked` about by a dialog over it. Undefined
 * while it lasts.
 */
export const sessionOver = new Store<"told" | "asked" | undefined>(undefined);

/** A call that waits for somebody to sign in again. */
type Waiting = { isChange: boolean; settle: (isMadeAgain: boolean) => void };

const waiting = new Set<Waiting>();

/** How often somebody has signed in or out, and how often that was when it last was somebody else. */
let times = 0;
let sinceAnother = 0;

function settle(which: (each: Waiting) => boolean, isMadeAgain: boolean): void {
  for (const each of [...waiting].filter(which)) {
    waiting.delete(each);
    each.settle(isMadeAgain);
  }
}

/** Whether a dialog would take the keys away from what is being typed. */
function isTyping(): boolean {
  const typing = "input:not([type=checkbox], [type=radio]), textarea, select";
  return document.activeElement?.matches(typing) ?? false;
}

/** What happens where a session has ended. */
export const sessionEnd = {
  /** A moment, for {@link sessionEnd.wait} and {@link sessionEnd.isSame}. */
  now: (): number => times,

  /** Whether it has been one and the same user since `then`. */
  isSame: (then: number): boolean => then >= sinceAnother,

  /**
   * Waits until somebody has signed in, for a call that was sent at `sent` and met the end. Gives
   * whether to make it again: not if it was somebody else, or if one is asked and turns away. Only
   * what somebody has just set going interrupts them: a read that comes by itself waits beside.
   */
  async wait(sent: number, isChange: boolean): Promise<boolean> {
    if (sent < times) {
      // Somebody has signed in since.
      return sessionEnd.isSame(sent);
    }
    const isFirst = sessionOver.get() === undefined;
    if (isChange || (isFirst && !isTyping())) {
      sessionOver.set("asked");
    } else if (isFirst) {
      sessionOver.set("told");
    }
    return new Promise((settle) => waiting.add({ isChange, settle }));
  },

  /** It was seen in passing. */
  seen(): void {
    if (sessionOver.get() === undefined) {
      sessionOver.set("told");
    }
  },

  /** One wants to sign in again. */
  ask(): void {
    sessionOver.set("asked");
  },

  /** One does not want to now: what was to be changed is not, and what is read waits on. */
  turnAway(): void {
    sessionOver.set("told");
    settle((each) => each.isChange, false);
  },

  /** Somebody has signed in, or the one who was has signed out. */
  over(isSameUser: boolean): void {
    times += 1;
    if (!isSameUser) {
      sinceAnother = times;
    }
    sessionOver.set(undefined);
    settle(() => true, isSameUser);
  },
};
