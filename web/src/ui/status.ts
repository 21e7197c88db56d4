/** The status line, the timer, the problem box and which view is shown. */
import { Problem } from "../problem.ts";
import { byId } from "./dom.ts";
import { clock, inWords, type Situation } from "./words.ts";

export type View = "sign-in" | "lobby" | "stage";

const VIEWS: readonly View[] = ["sign-in", "lobby", "stage"];

export class StatusLine {
  readonly #text = byId("call-state", HTMLElement);
  readonly #timer = byId("call-timer", HTMLElement);
  #ticking: ReturnType<typeof setInterval> | undefined;

  /** Say where we are; `connectedAt` (performance.now) starts the timer, its absence stops it. */
  show(situation: Situation, connectedAt: number | undefined): void {
    const root = document.documentElement;
    root.dataset.callState = situation.state;
    root.toggleAttribute("data-interrupted", situation.interrupted === true);
    const words = inWords(situation);
    // A live region speaks on every change of its text, even to the same.
    if (this.#text.textContent !== words) this.#text.textContent = words;
    clearInterval(this.#ticking);
    if (connectedAt === undefined) {
      this.#timer.hidden = true;
      return;
    }
    const tick = () => {
      this.#timer.textContent = clock(performance.now() - connectedAt);
    };
    tick();
    this.#timer.hidden = false;
    if (situation.state === "connected") this.#ticking = setInterval(tick, 500);
  }
}

/** What the box says: an error in words or the ending of a call. */
export interface Trouble {
  readonly message: string;
  readonly remedy: string;
  readonly detail?: string | undefined;
}

export class ProblemBox {
  readonly #box = byId("problem", HTMLElement);
  readonly #message = byId("problem-message", HTMLElement);
  readonly #remedy = byId("problem-remedy", HTMLElement);

  constructor() {
    byId("problem-close", HTMLButtonElement).addEventListener("click", () => this.clear());
  }

  show({ message, remedy, detail }: Trouble): void {
    this.#message.textContent = message;
    this.#remedy.textContent = detail === undefined ? remedy : `“${detail}” ${remedy}`;
    this.#box.hidden = false;
    this.#box.scrollIntoView({ block: "nearest" });
  }

  /** An error in words; a fault of the page itself is also reported to the browser's console. */
  showError(error: unknown): void {
    if (error instanceof Problem) {
      this.show(error);
      return;
    }
    this.show({ message: "Something went wrong in the page.", remedy: "Reload it and try again." });
    reportError(error);
  }

  clear(): void {
    this.#box.hidden = true;
  }
}

export function showView(view: View): void {
  document.documentElement.dataset.view = view;
  for (const name of VIEWS) byId(`view-${name}`, HTMLElement).hidden = name !== view;
}
