/**
 * One call: an RTCPeerConnection and a JingleSession, kept in step.
 *
 * Everything that waits runs through one inbox, in order, so that no candidate overtakes the
 * description it belongs to. Stanzas are judged at once (`receive`), because their IQ is answered first.
 */
import type { Jingle, Reason, ReasonCondition } from "../protocol/jingle/xep_0166.ts";
import type { RtpInfo } from "../protocol/jingle/xep_0167.ts";
import type { TrickledCandidate } from "../protocol/mapping/candidates.ts";
import type { Answer, Offer } from "../protocol/sdp/description.ts";
import { dumps, loads } from "../protocol/sdp/text.ts";
import type { SessionEvent } from "../protocol/session/events.ts";
import type { JingleSession } from "../protocol/session/session.ts";
import { RequestFailed } from "../xmpp/errors.ts";
import {
  type Ending,
  endedByError,
  endedByPeer,
  HUNG_UP,
  NO_ANSWER,
  NO_CONNECTION,
} from "./endings.ts";
import { type CallStats, readStats } from "./stats.ts";

export type CallState = "calling" | "ringing" | "connecting" | "connected" | "ended";

/** How a call speaks to the other side: an IQ, settled by its result or error. */
export interface Signaling {
  request(peer: string, jingle: Jingle): Promise<void>;
}

export interface CallEvents {
  stateChanged(state: CallState): void;
  /** The other side said that it switched something off or on. */
  peerMuted(kind: "audio" | "video" | undefined, muted: boolean): void;
  /** The path is broken for the moment (true) or whole again. */
  interrupted(broken: boolean): void;
}

export interface CallOptions {
  readonly peer: string;
  readonly session: JingleSession;
  readonly signaling: Signaling;
  readonly pc: RTCPeerConnection;
  readonly local: MediaStream;
  readonly events: Partial<CallEvents>;
}

const ANSWER_TIMEOUT_MS = 60_000;
const CONNECT_TIMEOUT_MS = 30_000;
const FAREWELL_TIMEOUT_MS = 2_000;

export class Call {
  readonly session: JingleSession;
  readonly local: MediaStream;
  /** Everything the other side sends, in one stream. */
  readonly remote = new MediaStream();
  readonly #signaling: Signaling;
  readonly #pc: RTCPeerConnection;
  readonly #events: Partial<CallEvents>;
  #peer: string;
  #state: CallState = "calling";
  #ending: Ending | undefined;
  #connectedAt: number | undefined;
  #inbox: Promise<void> = Promise.resolve();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor({ peer, session, signaling, pc, local, events }: CallOptions) {
    this.#peer = peer;
    this.session = session;
    this.#signaling = signaling;
    this.#pc = pc;
    this.local = local;
    this.#events = events;
    pc.addEventListener("icecandidate", ({ candidate }) => this.#trickle(candidate));
    pc.addEventListener("track", ({ track }) => this.remote.addTrack(track));
    pc.addEventListener("connectionstatechange", () => this.#connectionChanged());
  }

  /** The JID whose stanzas belong to this call. */
  get peer(): string {
    return this.#peer;
  }

  get state(): CallState {
    return this.#state;
  }

  /** Why the call ended, once it has. */
  get ending(): Ending | undefined {
    return this.#ending;
  }

  /** performance.now() at which sound and picture were first connected. */
  get connectedAt(): number | undefined {
    return this.#connectedAt;
  }

  // ---- commands ----------------------------------------------------------------------------------

  /** Call the peer. The promise is for our own part; what becomes of the call is told by events. */
  start(): Promise<void> {
    return this.#enqueue(async () => {
      for (const track of this.local.getTracks()) this.#pc.addTrack(track, this.local);
      const offer = await this.#pc.createOffer();
      // Before setLocalDescription, which starts gathering: candidates find the session ready.
      const initiate = this.session.initiate({
        type: "offer",
        description: loads(offer.sdp ?? ""),
      });
      this.#expect(ANSWER_TIMEOUT_MS, () => this.#terminate("timeout", NO_ANSWER));
      await this.#pc.setLocalDescription(offer);
      this.#request(initiate, () => this.#sendAll(this.session.confirmed()));
    });
  }

  /** Answer the offer that the session has received. */
  answer(offer: Offer): Promise<void> {
    return this.#enqueue(async () => {
      this.#setState("connecting");
      await this.#pc.setRemoteDescription({ type: "offer", sdp: dumps(offer.description) });
      for (const track of this.local.getTracks()) this.#pc.addTrack(track, this.local);
      const answer = await this.#pc.createAnswer();
      const accept = this.session.accept({ type: "answer", description: loads(answer.sdp ?? "") });
      this.#expect(CONNECT_TIMEOUT_MS, () => this.#terminate("connectivity-error", NO_CONNECTION));
      await this.#pc.setLocalDescription(answer);
      this.#request(accept, () => this.#sendAll(this.session.confirmed()));
      this.#handle(this.session.remoteDescriptionSet());
    });
  }

  /** End the call from here. */
  hangUp(): void {
    if (this.#state === "ended") return;
    const answered = this.session.state === "active";
    this.#terminate(answered ? "success" : "cancel", HUNG_UP);
  }

  /** Switch our microphone or camera off or on, and say so. */
  mute(kind: "audio" | "video", muted: boolean): void {
    for (const track of this.local.getTracks()) {
      if (track.kind === kind) track.enabled = !muted;
    }
    const mid = this.#pc.getTransceivers().find(({ sender }) => sender.track?.kind === kind)?.mid;
    if (this.session.state !== "active" || !mid) return;
    this.#request(this.session.inform({ type: muted ? "mute" : "unmute", content: mid }));
  }

  readStats(before?: CallStats): Promise<CallStats> {
    return readStats(this.#pc, before);
  }

  // ---- input -------------------------------------------------------------------------------------

  /** A stanza of the peer. Raises what its IQ has to be answered with; the work follows later. */
  receive(stanza: Jingle, from: string): void {
    const events = this.session.receive(stanza);
    // Called by its bare JID, the peer may answer from one of its resources, and then stays there.
    if (stanza.action === "session-accept") this.#peer = from;
    this.#handle(events);
  }

  /** The stream to the server is gone. */
  abandon(error: unknown): void {
    this.#end(endedByError(error));
  }

  #handle(events: readonly SessionEvent[]): void {
    for (const event of events) {
      switch (event.type) {
        case "answerReceived":
          void this.#enqueue(() => this.#answered(event.answer));
          break;
        case "candidateReceived":
          void this.#enqueue(() => this.#addCandidate(event.candidate));
          break;
        case "infoReceived":
          this.#informed(event.info);
          break;
        case "sessionEnded":
          this.#end(endedByPeer(event.reason));
          break;
        case "offerReceived":
          // The owner asks the person first and then calls answer().
          break;
      }
    }
  }

  async #answered(answer: Answer): Promise<void> {
    this.#setState("connecting");
    this.#expect(CONNECT_TIMEOUT_MS, () => this.#terminate("connectivity-error", NO_CONNECTION));
    await this.#pc.setRemoteDescription({ type: "answer", sdp: dumps(answer.description) });
    this.#handle(this.session.remoteDescriptionSet());
    // Switched off while it rang: there was nobody to tell then.
    for (const { kind, enabled } of this.local.getTracks()) {
      if (!enabled) this.mute(kind === "audio" ? "audio" : "video", true);
    }
  }

  async #addCandidate({ candidate, mid, ufrag }: TrickledCandidate): Promise<void> {
    const init: RTCIceCandidateInit = { candidate, sdpMid: mid };
    if (ufrag !== undefined) init.usernameFragment = ufrag;
    try {
      await this.#pc.addIceCandidate(init);
    } catch (error) {
      // One candidate that the browser cannot use (a protocol it lacks, say) is no reason to hang up.
      if (!(error instanceof DOMException) && !(error instanceof TypeError)) throw error;
    }
  }

  #informed(info: RtpInfo): void {
    if (info.type === "ringing" && this.#state === "calling") this.#setState("ringing");
    if (info.type !== "mute" && info.type !== "unmute") return;
    const transceiver = this.#pc.getTransceivers().find(({ mid }) => mid === info.content);
    const kind = transceiver?.receiver.track.kind;
    this.#events.peerMuted?.(
      kind === "audio" || kind === "video" ? kind : undefined,
      info.type === "mute",
    );
  }

  // ---- the browser -------------------------------------------------------------------------------

  #trickle(candidate: RTCIceCandidate | null): void {
    if (candidate !== null) {
      // Browsers differ in whether they also end each generation with an empty candidate.
      if (candidate.candidate === "") return;
      const { sdpMid, usernameFragment } = candidate;
      const ufrag = usernameFragment ?? undefined;
      this.#sendAll(
        this.session.trickle({ candidate: candidate.candidate, mid: sdpMid ?? "", ufrag }),
      );
      return;
    }
    for (const { mid } of this.#pc.getTransceivers()) {
      if (mid !== null) this.#sendAll(this.session.trickle({ candidate: "", mid }));
    }
  }

  #connectionChanged(): void {
    if (this.#state === "ended") return;
    switch (this.#pc.connectionState) {
      case "connected":
        clearTimeout(this.#timer);
        this.#connectedAt ??= performance.now();
        if (this.#state === "connected") this.#events.interrupted?.(false);
        else this.#setState("connected");
        break;
      case "disconnected":
        this.#events.interrupted?.(true);
        break;
      case "failed":
        this.#terminate("connectivity-error", NO_CONNECTION);
        break;
      default:
        break;
    }
  }

  // ---- helpers -----------------------------------------------------------------------------------

  /** Work that waits, one piece after the other; a failure ends the call. */
  #enqueue(work: () => Promise<void>): Promise<void> {
    this.#inbox = this.#inbox.then(async () => {
      if (this.#state === "ended") return;
      try {
        await work();
      } catch (error) {
        this.#terminate("failed-application", endedByError(error));
      }
    });
    return this.#inbox;
  }

  #sendAll(stanzas: readonly Jingle[]): void {
    for (const stanza of stanzas) this.#request(stanza);
  }

  /**
   * Send without waiting. A refused session-initiate or -accept ends the call; so does any answer
   * that the session is not known. Some clients never answer the rest, so silence is no failure there.
   */
  #request(stanza: Jingle, confirmed: () => void = () => undefined): void {
    const vital = stanza.action === "session-initiate" || stanza.action === "session-accept";
    this.#signaling.request(this.#peer, stanza).then(confirmed, (error: unknown) => {
      const unknown = error instanceof RequestFailed && error.jingleCondition === "unknown-session";
      if (vital || unknown) this.#end(endedByError(error));
    });
  }

  #terminate(condition: ReasonCondition, ending: Ending): void {
    if (this.#state === "ended") return;
    const reason: Reason = ending.normal ? { condition } : { condition, text: ending.message };
    let told: Promise<unknown> | undefined;
    if (this.session.state === "pending" || this.session.state === "active") {
      // The call is over for us whatever the peer says to this.
      told = this.#signaling
        .request(this.#peer, this.session.terminate(reason))
        .catch(() => undefined);
    }
    this.#end(ending, told);
  }

  #expect(milliseconds: number, otherwise: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(otherwise, milliseconds);
  }

  /** `told`: closing before the peer has our session-terminate would look like a broken line. */
  #end(ending: Ending, told?: Promise<unknown>): void {
    if (this.#state === "ended") return;
    clearTimeout(this.#timer);
    this.session.abandon();
    this.#ending = ending;
    if (told === undefined) {
      this.#pc.close();
    } else {
      const close = setTimeout(() => this.#pc.close(), FAREWELL_TIMEOUT_MS);
      void told.then(() => {
        clearTimeout(close);
        this.#pc.close();
      });
    }
    for (const track of this.local.getTracks()) track.stop();
    for (const track of this.remote.getTracks()) track.stop();
    this.#setState("ended");
  }

  #setState(state: CallState): void {
    if (this.#state === state || this.#state === "ended") return;
    this.#state = state;
    this.#events.stateChanged?.(state);
  }
}
