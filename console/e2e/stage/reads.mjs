/** Knows what a page is waiting for: what it has asked of the server and not been answered yet. */
export class Reads {
  #open = new Set();
  #begun = 0;

  constructor(page) {
    page.on("request", (request) => {
      // What the page before has asked for is not waited for any more.
      if (request.isNavigationRequest()) {
        this.#open.clear();
      }
      // A stream goes on for as long as the page does.
      if (request.resourceType() !== "eventsource") {
        this.#begun += 1;
        this.#open.add(request);
      }
    });
    for (const end of ["requestfinished", "requestfailed"]) {
      page.on(end, (request) => this.#open.delete(request));
    }
  }

  /** Whether anything is still to be answered. */
  get areOpen() {
    return this.#open.size > 0;
  }

  /** How many have ever begun. */
  get begun() {
    return this.#begun;
  }
}
