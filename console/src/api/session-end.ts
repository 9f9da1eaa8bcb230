import { Store } from "./store";

/** Whoever waits for somebody to sign in again; undefined while the session lasts. */
type Waiting = { answer: Promise<boolean>; settle: (isSignedIn: boolean) => void };

/** The dialog that asks to sign in again is open while there is a value. */
export const signInAgain = new Store<Waiting | undefined>(undefined);

/** What happens where a session has ended. */
export const sessionEnded = {
  /** Asks to sign in again. Gives whether somebody did; false if they turned away. */
  ask(): Promise<boolean> {
    const open = signInAgain.get();
    if (open) {
      return open.answer;
    }
    let settle: (isSignedIn: boolean) => void = () => {};
    const answer = new Promise<boolean>((resolve) => {
      settle = resolve;
    });
    signInAgain.set({
      answer,
      settle(isSignedIn) {
        signInAgain.set(undefined);
        settle(isSignedIn);
      },
    });
    return answer;
  },
};
