/** Jingle over an XMPP connection: IQs to and from sessions, found by (peer, sid). */
import { MalformedStanza, UnknownSession } from "../protocol/errors.ts";
import { NS } from "../protocol/jingle/namespaces.ts";
import { buildJingle, type Jingle, jingle, parseJingle } from "../protocol/jingle/xep_0166.ts";
import type { XmppConnection } from "./connection.ts";

/** What the router needs of a call. */
export interface JingleEndpoint {
  readonly peer: string;
  /** Raises what the IQ has to be answered with. */
  receive(stanza: Jingle, from: string): void;
}

export class JingleRouter {
  readonly #connection: XmppConnection;
  readonly #endpoints = new Map<string, JingleEndpoint>();

  constructor(connection: XmppConnection) {
    this.#connection = connection;
    connection.handle(NS.jingle, (from, payload) => {
      this.#receive(from, parseJingle(payload));
      return undefined;
    });
  }

  /** Send and wait for the acknowledgement. Raises RequestFailed or Disconnected. */
  async request(peer: string, stanza: Jingle): Promise<void> {
    await this.#connection.request(peer, "set", buildJingle(stanza));
  }

  /** Stanzas of session `sid` go to `endpoint` from now on. */
  add(sid: string, endpoint: JingleEndpoint): void {
    this.#endpoints.set(sid, endpoint);
  }

  remove(sid: string): void {
    this.#endpoints.delete(sid);
  }

  #receive(from: string, stanza: Jingle): void {
    const endpoint = this.#endpoints.get(stanza.sid);
    if (endpoint !== undefined && isFrom(from, endpoint.peer)) {
      endpoint.receive(stanza, from);
      return;
    }
    if (stanza.action !== "session-initiate") throw new UnknownSession("no such session");
    if (endpoint !== undefined) throw new MalformedStanza("the session id is in use");
    this.#decline(from, stanza.sid);
  }

  /** This page makes calls and takes none: acknowledged first, then declined (XEP-0166 §6.3). */
  #decline(peer: string, sid: string): void {
    const reason = { condition: "decline", text: "This page takes no calls." } as const;
    queueMicrotask(() => {
      this.request(peer, jingle("session-terminate", sid, { reason })).catch(() => undefined);
    });
  }
}

/** Whether `from` is the JID that was called, or a resource of it when a bare JID was called. */
export function isFrom(from: string, called: string): boolean {
  return from === called || (!called.includes("/") && from.startsWith(`${called}/`));
}
