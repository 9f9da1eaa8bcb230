import { type ReactNode, useEffect } from "react";
import { PrintedHead } from "./Printed";

/** What the browser's tab, its history and whoever hears the page are told that it is. */
export function useTitle(title: string): void {
  useEffect(() => {
    document.title = title === "" ? "Fleetwright" : `${title} · Fleetwright`;
  }, [title]);
}

/** A view: its title, what can be done with all of it, and its content. */
export function Page({
  title,
  tab,
  note,
  actions,
  children,
}: {
  title: ReactNode;
  /** What the browser's tab says, where the title is not a text. */
  tab?: string;
  note?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  useTitle(tab ?? (typeof title === "string" ? title : ""));
  return (
    <div className="page">
      <PrintedHead />
      <header className="page-head">
        <div className="page-title">
          <h1 className="break">{title}</h1>
          {note && <p className="quiet">{note}</p>}
        </div>
        {actions && <div className="page-actions">{actions}</div>}
      </header>
      {children}
    </div>
  );
}

/** A part of a view with a heading of its own. */
export function Card({
  title,
  actions,
  children,
}: {
  title?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className="card">
      {(title || actions) && (
        <div className="card-head">
          {title && <h2>{title}</h2>}
          {actions && <div className="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}
