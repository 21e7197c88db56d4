/** The page: which view is shown, one phone, one call at a time. */
import type { PageConfig } from "../config.ts";
import type { Call } from "../media/call.ts";
import type { CallMedia, MediaSource } from "../media/capture.ts";
import { endedByError, HUNG_UP } from "../media/endings.ts";
import type { CallStats } from "../media/stats.ts";
import { Phone } from "../phone.ts";
import type { ConnectOptions } from "../xmpp/connection.ts";
import { byId } from "./dom.ts";
import { LobbyView } from "./lobby.ts";
import type { Parameters } from "./parameters.ts";
import { SignInView } from "./sign-in.ts";
import { StageView } from "./stage.ts";
import { ProblemBox, StatusLine, showView } from "./status.ts";
import { localPart, type Situation } from "./words.ts";

export class App {
  readonly #config: PageConfig;
  readonly #source: MediaSource;
  readonly #status = new StatusLine();
  readonly #problems = new ProblemBox();
  readonly #signIn: SignInView;
  readonly #lobby: LobbyView;
  readonly #stage: StageView;
  #situation: Situation = { state: "signed-out" };
  #phone: Phone | undefined;
  #call: Call | undefined;
  #asking: AbortController | undefined;
  #stats: CallStats | undefined;

  constructor(config: PageConfig, parameters: Parameters, source: MediaSource) {
    this.#config = config;
    this.#source = source;
    const refuse = (problem: unknown) => this.#problems.showError(problem);
    this.#signIn = new SignInView(
      config,
      parameters,
      (options) => void this.#signInWith(options),
      refuse,
    );
    this.#lobby = new LobbyView(
      config.services,
      parameters,
      (jid, media) => void this.#callTo(jid, media),
      refuse,
    );
    this.#stage = new StageView({
      hangUp: () => this.#hangUp(),
      mute: (kind, muted) => this.#call?.mute(kind, muted),
    });
    byId("sign-out", HTMLButtonElement).addEventListener("click", () => this.#signOut());
    // Leaving the page is hanging up: otherwise the other side waits for minutes.
    window.addEventListener("pagehide", () => this.#leave());
    showView("sign-in");
    if (parameters.auto) this.#signIn.signInAsGuest();
  }

  get call(): Call | undefined {
    return this.#call;
  }

  /** Figures of the current or last call; bit rates are since the time this was asked before. */
  async stats(): Promise<CallStats | undefined> {
    this.#stats = await this.#call?.readStats(this.#stats);
    return this.#stats;
  }

  async #signInWith(options: ConnectOptions): Promise<void> {
    if (this.#situation.state === "signing-in") return;
    this.#problems.clear();
    this.#show({ state: "signing-in" });
    this.#signIn.busy(true);
    try {
      this.#phone = await Phone.signIn(options);
    } catch (error) {
      this.#show({ state: "signed-out" });
      this.#problems.showError(error);
      return;
    } finally {
      this.#signIn.busy(false);
    }
    this.#phone.onSignedOut((reason) => {
      if (this.#phone === undefined) return;
      this.#call?.abandon(reason);
      this.#signedOut();
      this.#problems.show(reason);
    });
    const guest = options.password === undefined;
    byId("account-name", HTMLElement).textContent = guest
      ? "Guest"
      : (this.#phone.jid.split("/", 1)[0] ?? "");
    byId("account", HTMLElement).hidden = false;
    this.#show({ state: "ready" });
    showView("lobby");
    this.#lobby.focus();
  }

  async #callTo(peer: string, media: CallMedia): Promise<void> {
    if (this.#phone === undefined || this.#asking !== undefined) return;
    const asking = new AbortController();
    this.#asking = asking;
    this.#stats = undefined;
    this.#problems.clear();
    const name = this.#config.services.find(({ jid }) => jid === peer)?.name ?? localPart(peer);
    this.#show({ state: "calling", peer: name, media, askingForDevices: true });
    showView("stage");
    this.#stage.open(name, peer, media);
    try {
      const call = await this.#phone.call({
        peer,
        media,
        source: this.#source,
        iceServers: this.#config.iceServers,
        signal: asking.signal,
        events: {
          stateChanged: () => this.#callChanged(),
          peerMuted: (kind, muted) => this.#stage.peerMuted(kind, muted),
          interrupted: (interrupted) => this.#show({ ...this.#situation, interrupted }),
        },
      });
      if (call === undefined) return;
      this.#call = call;
      this.#show({ ...this.#situation, askingForDevices: false });
      this.#stage.play(call.local, call.remote);
    } catch (error) {
      if (!asking.signal.aborted) this.#ended(error);
    } finally {
      if (this.#asking === asking) this.#asking = undefined;
    }
  }

  #callChanged(): void {
    const call = this.#call;
    if (call === undefined) return;
    if (call.state !== "ended") {
      this.#show({ ...this.#situation, state: call.state, interrupted: false });
      return;
    }
    const ending = call.ending ?? HUNG_UP;
    this.#show({ ...this.#situation, state: "ended", interrupted: false, ending });
    this.#backToLobby();
    // Said by someone, even a normal ending is worth reading.
    if (!ending.normal || ending.detail !== undefined) this.#problems.show(ending);
  }

  /** No call came about. */
  #ended(error: unknown): void {
    const ending = endedByError(error);
    this.#call = undefined;
    this.#show({ ...this.#situation, state: "ended", ending });
    this.#backToLobby();
    this.#problems.showError(error);
  }

  #hangUp(): void {
    if (this.#asking === undefined) {
      this.#call?.hangUp();
      return;
    }
    this.#asking.abort();
    this.#asking = undefined;
    this.#show({ ...this.#situation, state: "ended", ending: HUNG_UP });
    this.#backToLobby();
  }

  #backToLobby(): void {
    this.#stage.close();
    if (this.#phone === undefined) return;
    showView("lobby");
    this.#lobby.focus();
  }

  #signOut(): void {
    this.#problems.clear();
    this.#leave();
    this.#signedOut();
  }

  #leave(): void {
    this.#call?.hangUp();
    const phone = this.#phone;
    this.#phone = undefined;
    phone?.signOut();
  }

  #signedOut(): void {
    this.#phone = undefined;
    byId("account", HTMLElement).hidden = true;
    this.#show({ state: "signed-out" });
    showView("sign-in");
    this.#signIn.focus();
  }

  #show(situation: Situation): void {
    this.#situation = situation;
    const timed = situation.state === "connected" || situation.state === "ended";
    this.#status.show(situation, timed ? this.#call?.connectedAt : undefined);
  }
}
