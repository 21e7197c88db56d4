/**
 * One Jingle session, pure: no clock, no network, no browser. The owner sends what the commands return,
 * answers an IQ with the error that `receive` raises, and handles the events. A raised error has
 * changed nothing.
 */
import { LocalProtocolError, MalformedStanza, UnsupportedInfo } from "../errors.ts";
import type { Role } from "../jingle/senders.ts";
import { otherRole } from "../jingle/senders.ts";
import { type Action, type Jingle, jingle, type Reason } from "../jingle/xep_0166.ts";
import { buildRtpInfo, parseRtpInfo, type RtpInfo } from "../jingle/xep_0167.ts";
import { LIMITS } from "../limits.ts";
import {
  type Credentials,
  type TrickledCandidate,
  trickleContent,
  trickledCandidates,
} from "../mapping/candidates.ts";
import { isSupported } from "../mapping/contents.ts";
import { describe, descriptionOf } from "../mapping/description.ts";
import { ContentNames } from "../mapping/names.ts";
import { forBrowser } from "../sdp/browser.ts";
import {
  type Answer,
  attributeValue,
  type Offer,
  type SessionDescription,
} from "../sdp/description.ts";
import type { SessionEvent } from "./events.ts";
import { after, afterReceived, type State } from "./transitions.ts";

export interface SessionOptions {
  readonly sid: string;
  readonly role: Role;
  /** Our own full JID. */
  readonly self: string;
}

export class JingleSession {
  readonly sid: string;
  readonly role: Role;
  readonly #self: string;
  #state: State = "new";
  #names = ContentNames.empty;
  #offer: SessionDescription | undefined;
  #local: SessionDescription | undefined;
  /** Outgoing candidates wait until the peer has our description. */
  #outgoing: TrickledCandidate[] | undefined = [];
  /** Incoming candidates wait until the owner has set the peer's description. */
  #incoming: TrickledCandidate[] | undefined = [];

  constructor({ sid, role, self }: SessionOptions) {
    this.sid = sid;
    this.role = role;
    this.#self = self;
  }

  get state(): State {
    return this.#state;
  }

  // ---- commands: each returns what is to be sent -------------------------------------------------

  /** Our offer, as session-initiate. */
  initiate(offer: Offer): Jingle {
    const next = this.#mayI("session-initiate");
    const { parts, names } = describe(offer.description, this.role, this.role);
    this.#state = next;
    this.#names = names;
    this.#offer = this.#local = offer.description;
    return jingle("session-initiate", this.sid, { initiator: this.#self, ...parts });
  }

  /** Our answer, as session-accept; refused sections are left out (XEP-0166 §6.3). */
  accept(answer: Answer): Jingle {
    const next = this.#mayI("session-accept");
    const { description } = answer;
    const { parts } = describe(description, this.role, otherRole(this.role), this.#names);
    this.#state = next;
    this.#local = description;
    return jingle("session-accept", this.sid, { responder: this.#self, ...parts });
  }

  /** The peer has acknowledged our session-initiate or session-accept: the candidates held so far. */
  confirmed(): Jingle[] {
    const held = this.#outgoing ?? [];
    this.#outgoing = undefined;
    return this.#state === "ended" ? [] : held.flatMap((candidate) => this.trickle(candidate));
  }

  /** One candidate of ours, or the end of them; nothing while it has to wait. */
  trickle(candidate: TrickledCandidate): Jingle[] {
    if (this.#state === "ended") return [];
    if (this.#outgoing !== undefined) {
      if (this.#outgoing.length < LIMITS.heldCandidates) this.#outgoing.push(candidate);
      return [];
    }
    this.#mayI("transport-info");
    const key = this.#names.key(candidate.mid);
    const credentials = this.#credentials(candidate);
    if (key === undefined || credentials === undefined) return [];
    const content = trickleContent(key, candidate.candidate, credentials);
    return [jingle("transport-info", this.sid, { contents: [content] })];
  }

  /** Tell the peer about mute, hold or ringing; a mute names a content by its mid. */
  inform(info: RtpInfo): Jingle {
    this.#mayI("session-info");
    return jingle("session-info", this.sid, { payloads: [buildRtpInfo(this.#named(info))] });
  }

  /** End the session. */
  terminate(reason: Reason): Jingle {
    this.#state = this.#mayI("session-terminate");
    return jingle("session-terminate", this.sid, { reason });
  }

  /** The session is over without a word: our request was refused or the stream is gone. */
  abandon(): void {
    this.#state = "ended";
  }

  /** The owner has set the peer's description: the candidates that waited for it. */
  remoteDescriptionSet(): SessionEvent[] {
    const held = this.#incoming ?? [];
    this.#incoming = undefined;
    return held.map((candidate) => ({ type: "candidateReceived", candidate }));
  }

  // ---- input -------------------------------------------------------------------------------------

  /** What a peer's stanza means. Raises RemoteProtocolError, and then nothing has changed. */
  receive(stanza: Jingle): SessionEvent[] {
    const next = afterReceived(this.#state, stanza.action, this.role);
    const events = this.#read(stanza);
    this.#state = next;
    return events;
  }

  #read(stanza: Jingle): SessionEvent[] {
    switch (stanza.action) {
      case "session-initiate":
        return [{ type: "offerReceived", offer: this.#readOffer(stanza) }];
      case "session-accept":
        return [{ type: "answerReceived", answer: this.#readAnswer(stanza) }];
      case "transport-info":
        return this.#readCandidates(stanza);
      case "session-info":
        return this.#readInfo(stanza);
      default:
        return [{ type: "sessionEnded", reason: stanza.reason ?? { condition: "success" } }];
    }
  }

  #readOffer(stanza: Jingle): Offer {
    if (stanza.contents.length === 0) throw new MalformedStanza("an offer without contents");
    const { description, names } = descriptionOf(stanza, otherRole(this.role));
    this.#names = names;
    this.#offer = description;
    return { type: "offer", description: forBrowser(description) };
  }

  #readAnswer(stanza: Jingle): Answer {
    const foreign = stanza.contents.some((content) => this.#names.mid(content) === undefined);
    if (foreign) throw new MalformedStanza("an answer with a content that was not offered");
    if (!stanza.contents.some(isSupported)) throw new MalformedStanza("an answer without contents");
    const writer = otherRole(this.role);
    const { description } = descriptionOf(stanza, writer, this.#names, this.#offer);
    return { type: "answer", description: forBrowser(description) };
  }

  #readCandidates(stanza: Jingle): SessionEvent[] {
    const candidates = trickledCandidates(stanza.contents, this.#names);
    if (this.#incoming === undefined) {
      return candidates.map((candidate) => ({ type: "candidateReceived", candidate }));
    }
    if (this.#incoming.length + candidates.length > LIMITS.heldCandidates) {
      throw new MalformedStanza("too many candidates");
    }
    this.#incoming.push(...candidates);
    return [];
  }

  #readInfo({ payloads }: Jingle): SessionEvent[] {
    return payloads.map((payload) => {
      const info = parseRtpInfo(payload);
      if (info === undefined) throw new UnsupportedInfo(`<${payload.name}/> is not known`);
      if (!("content" in info) || info.content === undefined) return { type: "infoReceived", info };
      const content = this.#names.midOfName(info.content) ?? info.content;
      return { type: "infoReceived", info: { ...info, content } };
    });
  }

  // ---- helpers -----------------------------------------------------------------------------------

  #mayI(action: Action): State {
    const next = after(this.#state, action, this.role);
    if (next === undefined) {
      throw new LocalProtocolError(`${action} is not possible while the session is ${this.#state}`);
    }
    return next;
  }

  #named(info: RtpInfo): RtpInfo {
    if (!("content" in info) || info.content === undefined) return info;
    const key = this.#names.key(info.content);
    return { ...info, content: key?.name ?? info.content, creator: key?.creator };
  }

  #credentials({ mid, ufrag: wanted }: TrickledCandidate): Credentials | undefined {
    const section = this.#local?.media.find((media) => attributeValue(media.lines, "mid") === mid);
    const lines = [...(section?.lines ?? []), ...(this.#local?.session ?? [])];
    const ufrag = attributeValue(lines, "ice-ufrag");
    const pwd = attributeValue(lines, "ice-pwd");
    if (ufrag === undefined || pwd === undefined) return undefined;
    // A candidate of an earlier generation is of no use to anyone.
    return wanted === undefined || wanted === ufrag ? { ufrag, pwd } : undefined;
  }
}
