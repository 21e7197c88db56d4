/** The sign-in view: guest, account, demo account and the kind of connection. */
import type { PageConfig } from "../config.ts";
import { Problem } from "../problem.ts";
import type { ConnectOptions } from "../xmpp/connection.ts";
import { byId } from "./dom.ts";
import type { Parameters, Transport } from "./parameters.ts";
import { isAddress } from "./words.ts";

export class SignInView {
  readonly #guest = byId("sign-in-guest", HTMLButtonElement);
  readonly #account = byId("sign-in-account", HTMLButtonElement);
  readonly #demo = byId("sign-in-demo", HTMLButtonElement);
  readonly #jid = byId("account-jid", HTMLInputElement);
  readonly #password = byId("account-password", HTMLInputElement);
  readonly #transports = {
    websocket: byId("transport-websocket", HTMLInputElement),
    bosh: byId("transport-bosh", HTMLInputElement),
  };
  readonly #config: PageConfig;
  readonly #signIn: (options: ConnectOptions) => void;
  readonly #refuse: (problem: Problem) => void;

  constructor(
    config: PageConfig,
    parameters: Parameters,
    signIn: (options: ConnectOptions) => void,
    refuse: (problem: Problem) => void,
  ) {
    this.#config = config;
    this.#signIn = signIn;
    this.#refuse = refuse;
    this.#offer(parameters.transport);
    this.#guest.addEventListener("click", () => this.signInAsGuest());
    byId("account-form", HTMLFormElement).addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#demo.addEventListener("click", () => {
      const { demo } = config;
      if (demo !== undefined) this.#signInAs(demo.jid, demo.password);
    });
  }

  /** Guests have no name of their own; without a guest domain this does nothing. */
  signInAsGuest(): void {
    const { anonymousDomain } = this.#config;
    if (anonymousDomain !== undefined) this.#signIn({ url: this.#url(), jid: anonymousDomain });
  }

  busy(busy: boolean): void {
    for (const button of [this.#guest, this.#account, this.#demo]) button.disabled = busy;
  }

  focus(): void {
    (this.#guest.hidden ? this.#jid : this.#guest).focus();
  }

  /** Show what this server has. */
  #offer(wanted: Transport | undefined): void {
    const { anonymousDomain, demo, bosh, websocket } = this.#config;
    this.#guest.hidden = anonymousDomain === undefined;
    byId("account-separator", HTMLElement).hidden = anonymousDomain === undefined;
    this.#demo.hidden = demo === undefined;
    this.#transports.bosh.disabled = bosh === undefined;
    this.#transports.websocket.disabled = websocket === undefined;
    const preferred = wanted ?? "websocket";
    const usable = preferred === "bosh" ? bosh : websocket;
    const other = preferred === "bosh" ? "websocket" : "bosh";
    this.#transports[usable === undefined ? other : preferred].checked = true;
    const name = () => {
      byId("transport-name", HTMLElement).textContent = this.#transports.bosh.checked
        ? "BOSH"
        : "WebSocket";
    };
    name();
    for (const input of Object.values(this.#transports)) input.addEventListener("change", name);
  }

  #submit(): void {
    const text = this.#jid.value.trim();
    const jid = text === "" || text.includes("@") ? text : `${text}@${this.#config.domain}`;
    const valid = jid.includes("@") && isAddress(jid);
    this.#jid.setAttribute("aria-invalid", String(!valid));
    this.#password.setAttribute("aria-invalid", String(this.#password.value === ""));
    if (!valid) {
      this.#jid.focus();
      this.#refuse(
        new Problem("This is not an XMPP address.", "Addresses look like you@example.org."),
      );
    } else if (this.#password.value === "") {
      this.#password.focus();
      this.#refuse(new Problem("The password is missing.", "Type it in, or come in as a guest."));
    } else {
      this.#signInAs(jid, this.#password.value);
    }
  }

  #signInAs(jid: string, password: string): void {
    this.#signIn({ url: this.#url(), jid, password });
    this.#password.value = "";
  }

  #url(): string {
    const { bosh, websocket } = this.#config;
    const url = this.#transports.bosh.checked ? bosh : websocket;
    return url ?? bosh ?? websocket ?? "";
  }
}
