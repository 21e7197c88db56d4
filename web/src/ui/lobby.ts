/** The lobby: choose whom to call and how. */
import type { Service } from "../config.ts";
import type { CallMedia } from "../media/capture.ts";
import { Problem } from "../problem.ts";
import { byId, create } from "./dom.ts";
import type { Parameters } from "./parameters.ts";
import { isAddress } from "./words.ts";

export class LobbyView {
  readonly #jid = byId("call-jid", HTMLInputElement);
  readonly #buttons = {
    audio: byId("call-audio", HTMLButtonElement),
    video: byId("call-video", HTMLButtonElement),
  };
  readonly #cards: { readonly jid: string; readonly card: HTMLButtonElement }[];
  readonly #media: CallMedia;

  constructor(
    services: readonly Service[],
    parameters: Parameters,
    call: (jid: string, media: CallMedia) => void,
    refuse: (problem: Problem) => void,
  ) {
    this.#media = parameters.media ?? "video";
    this.#cards = services.map((service) => ({ jid: service.jid, card: this.#card(service) }));
    byId("services", HTMLElement).append(...this.#cards.map(({ card }) => create("li", "", card)));
    this.#choose(parameters.call ?? services[0]?.jid ?? "");
    this.#jid.addEventListener("input", () => this.#choose(this.#jid.value));
    byId("call-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      const audio =
        event.submitter === this.#buttons.audio ||
        (event.submitter === null && this.#media === "audio");
      const jid = this.#jid.value.trim();
      const valid = isAddress(jid);
      this.#jid.setAttribute("aria-invalid", String(!valid));
      if (valid) {
        call(jid, audio ? "audio" : "video");
        return;
      }
      this.#jid.focus();
      refuse(
        new Problem("This is not an XMPP address.", "Addresses look like echo@bridge.example.org."),
      );
    });
  }

  /** Put the keyboard where the next step is: the button that calls. */
  focus(): void {
    // Without scrolling: on a phone what happened, above, matters more than the button.
    this.#buttons[this.#media].focus({ preventScroll: true });
  }

  #card({ jid, name, description }: Service): HTMLButtonElement {
    const initial = create("span", "service-initial", name.slice(0, 1).toUpperCase());
    initial.ariaHidden = "true";
    const words = create(
      "span",
      "service-words",
      create("strong", "", name),
      create("small", "", description === "" ? jid : description),
    );
    const card = create("button", "service", initial, words);
    card.type = "button";
    card.dataset.jid = jid;
    card.addEventListener("click", () => {
      this.#choose(jid);
      this.focus();
    });
    return card;
  }

  #choose(jid: string): void {
    if (this.#jid.value !== jid) this.#jid.value = jid;
    this.#jid.removeAttribute("aria-invalid");
    for (const entry of this.#cards) entry.card.ariaPressed = String(entry.jid === jid.trim());
  }
}
