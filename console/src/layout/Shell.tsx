import { useQuery } from "@tanstack/react-query";
import { Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { connected } from "../api/connection";
import { useStream } from "../api/live";
import { session, useOtherTabs } from "../api/session";
import { sessionEnd, sessionOver } from "../api/session-end";
import { useStore } from "../api/store";
import { useText } from "../i18n";
import { Dialog } from "../parts/Dialog";
import { Skeleton } from "../parts/Loading";
import { Notice, ProblemNotice } from "../parts/Notice";
import { useIsNarrow } from "../parts/narrow";
import { SessionOver } from "../parts/SessionOver";
import { Toasts } from "../parts/toasts";
import { Navigation } from "./Navigation";
import { SignInForm, SignInPage } from "./SignIn";

/** What the focus goes to where it would be lost. */
const CONTENT = "content";

/** Nothing of a view is drawn before somebody has signed in. */
export function Shell() {
  const who = useQuery(session);
  const { shell } = useText();
  const isConnected = useStore(connected);
  if (who.data === undefined) {
    return (
      <main className="sign-in">
        {!isConnected && <Notice tone="warn">{shell.away}</Notice>}
        {who.isError ? (
          <ProblemNotice error={who.error} retry={() => void who.refetch()} />
        ) : (
          <Skeleton height={240} />
        )}
      </main>
    );
  }
  // What one user had open is not gone on with by another.
  return who.data === null ? <SignInPage /> : <Frame key={who.data.user} />;
}

/** The frame around every view. It stays over the end of a session, and so does the view. */
function Frame() {
  const { shell } = useText();
  const isAsked = useStore(sessionOver) === "asked";
  const isNarrow = useIsNarrow();
  const [isMenuOpen, setMenuOpen] = useState(false);
  const isCovered = isMenuOpen && isNarrow;
  useStream();
  useOtherTabs();
  useNoDrop();
  const path = useRouterState({ select: ({ resolvedLocation }) => resolvedLocation?.pathname });
  const shown = useRef(path);
  useEffect(() => {
    if (path === shown.current) {
      return;
    }
    const isFirst = shown.current === undefined;
    shown.current = path;
    setMenuOpen(false);
    const { activeElement, body } = document;
    const content = document.getElementById(CONTENT);
    // What led here is of another view, or of the navigation: who reads by keyboard goes on in this
    // one, unless it has said itself where.
    if (!isFirst && (activeElement === body || activeElement?.closest(".shell-nav"))) {
      content?.focus({ preventScroll: true });
    }
  }, [path]);
  return (
    <div className="shell">
      <a className="button shell-skip" href={`#${CONTENT}`}>
        {shell.skip}
      </a>
      <Navigation isOpen={isMenuOpen} setOpen={setMenuOpen} />
      <main id={CONTENT} className="shell-main" tabIndex={-1} inert={isCovered}>
        <Told />
        <Outlet />
      </main>
      <Toasts />
      {isAsked && <SignInAgain />}
    </div>
  );
}

/** What is said of the way to the server. It lies over the view, so that nothing moves by it. */
function Told() {
  const { shell } = useText();
  const isConnected = useStore(connected);
  const over = useStore(sessionOver);
  return (
    <div className="shell-told" aria-live="polite">
      {over ? <SessionOver /> : !isConnected && <Notice tone="warn">{shell.away}</Notice>}
    </div>
  );
}

/** Asks whoever was signed in to sign in again. */
function SignInAgain() {
  const { signIn } = useText();
  const before = useQuery(session).data;
  const isTyped = useRef(false);
  const type = () => {
    isTyped.current = true;
  };
  const turnAway = () => sessionEnd.turnAway();
  return (
    <Dialog title={signIn.again} isTyped={() => isTyped.current} onClose={turnAway}>
      <p>{signIn.againWhy}</p>
      <SignInForm before={before} onTyped={type} onCancel={turnAway} />
    </Dialog>
  );
}

/** Files that are dropped beside where they are taken would be opened in the place of the page. */
function useNoDrop(): void {
  useEffect(() => {
    const refuse = (event: DragEvent) => {
      const { target, dataTransfer } = event;
      const isTaken =
        event.defaultPrevented || (target instanceof HTMLInputElement && target.type === "file");
      if (!isTaken && dataTransfer?.types.includes("Files")) {
        event.preventDefault();
        dataTransfer.dropEffect = "none";
      }
    };
    window.addEventListener("dragover", refuse);
    window.addEventListener("drop", refuse);
    return () => {
      window.removeEventListener("dragover", refuse);
      window.removeEventListener("drop", refuse);
    };
  }, []);
}
