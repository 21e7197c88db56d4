/**
 * A stream to the XMPP server over BOSH or WebSocket, in plain elements and promises. The only module
 * that knows Strophe.
 */
import { Strophe } from "strophe.js";
import { RemoteProtocolError } from "../protocol/errors.ts";
import { element, elements, type XmlElement } from "../protocol/xml.ts";
import { fromDom, toDom } from "./dom.ts";
import { Disconnected, LoginRefused, ServerUnreachable } from "./errors.ts";
import { buildError, requestFailed } from "./stanza-errors.ts";

type StropheConnection = InstanceType<typeof Strophe.Connection>;

const CLIENT = "jabber:client";
const CONNECT_TIMEOUT_MS = 15_000;
const REQUEST_TIMEOUT_MS = 15_000;
/** Tries of one BOSH request before the server counts as gone. */
const BOSH_RETRIES = 2;

export interface ConnectOptions {
  /** `https:` for BOSH, `wss:` for WebSocket (or their forms without TLS). */
  readonly url: string;
  /** A JID, or a bare domain for an anonymous guest. */
  readonly jid: string;
  readonly password?: string;
}

/** Answers one IQ: the payload of the result, or a raised RemoteProtocolError. Runs at once. */
export type RequestHandler = (from: string, payload: XmlElement) => XmlElement | undefined;

export class XmppConnection {
  /** Our full JID. */
  readonly jid: string;
  readonly #strophe: StropheConnection;
  readonly #handlers = new Map<string, RequestHandler>();
  readonly #closed = new Set<(reason: Disconnected) => void>();
  #open = true;
  #leaving = false;

  private constructor(strophe: StropheConnection) {
    this.#strophe = strophe;
    this.jid = strophe.jid;
    strophe.addHandler((iq) => this.#answer(fromDom(iq)), null, "iq", ["get", "set"]);
  }

  /** Connect and log in. Raises ServerUnreachable or LoginRefused. */
  static connect(options: ConnectOptions): Promise<XmppConnection> {
    Strophe.setLogLevel(Strophe.LogLevel.FATAL);
    const strophe = new Strophe.Connection(options.url);
    strophe.maxRetries = BOSH_RETRIES;
    return new Promise((resolve, reject) => {
      let connection: XmppConnection | undefined;
      let failure: ServerUnreachable | LoginRefused | undefined;
      const fail = (problem: ServerUnreachable | LoginRefused) => {
        failure ??= problem;
        clearTimeout(timer);
        reject(failure);
      };
      const timer = setTimeout(() => {
        fail(unreachable());
        strophe.reset();
      }, CONNECT_TIMEOUT_MS);
      strophe.connect(options.jid, options.password ?? "", (status, condition) => {
        switch (status) {
          case Strophe.Status.CONNECTED:
            clearTimeout(timer);
            connection = new XmppConnection(strophe);
            resolve(connection);
            break;
          case Strophe.Status.AUTHFAIL:
            fail(refused(options, condition));
            break;
          case Strophe.Status.ERROR:
          case Strophe.Status.CONNFAIL:
          case Strophe.Status.CONNTIMEOUT:
            if (connection === undefined) fail(connectionFailure(options, condition));
            break;
          case Strophe.Status.DISCONNECTED:
            if (connection === undefined) fail(connectionFailure(options, condition));
            else connection.#lost(condition);
            break;
          default:
            break;
        }
      });
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Send an IQ and wait for its result. Raises RequestFailed or Disconnected. */
  request(to: string, type: "get" | "set", payload: XmlElement): Promise<XmlElement> {
    if (!this.#open) return Promise.reject(disconnected());
    const iq = element("iq", { xmlns: CLIENT, attrs: { to, type } }, [payload]);
    return new Promise((resolve, reject) => {
      const settle = (done: () => void) => {
        this.#closed.delete(lost);
        done();
      };
      const lost = (reason: Disconnected) => settle(() => reject(reason));
      this.#closed.add(lost);
      this.#strophe.sendIQ(
        toDom(document, iq, null),
        (result) => settle(() => resolve(fromDom(result))),
        (error) => settle(() => reject(requestFailed(error ? fromDom(error) : undefined))),
        REQUEST_TIMEOUT_MS,
      );
      this.#strophe.flush();
    });
  }

  /** Answer IQs whose payload is in the namespace `xmlns`. */
  handle(xmlns: string, handler: RequestHandler): void {
    this.#handlers.set(xmlns, handler);
  }

  /** Called once when the stream ends, unless we closed it. */
  onClosed(listener: (reason: Disconnected) => void): void {
    this.#closed.add(listener);
  }

  /** Close the stream. */
  close(): void {
    this.#leaving = true;
    this.#strophe.flush();
    this.#strophe.disconnect("bye");
    this.#end(disconnected());
  }

  #lost(condition: string | null): void {
    if (!this.#leaving) this.#end(disconnected(condition ?? undefined));
  }

  #end(reason: Disconnected): void {
    if (!this.#open) return;
    this.#open = false;
    const listeners = [...this.#closed];
    this.#closed.clear();
    for (const listener of listeners) listener(reason);
  }

  /** RFC 6120 §8.2.3: every get and set is answered, at once. Returning true keeps the handler. */
  #answer(iq: XmlElement): true {
    const { from = "", id } = iq.attrs;
    const [payload] = elements(iq);
    const reply = (type: "result" | "error", child: XmlElement | undefined) => {
      const to = from === "" ? undefined : from;
      const stanza = element("iq", { xmlns: CLIENT, attrs: { to, id, type } }, [child]);
      this.#strophe.send(toDom(document, stanza, null));
      this.#strophe.flush();
    };
    const handler = payload?.xmlns === undefined ? undefined : this.#handlers.get(payload.xmlns);
    if (payload === undefined || handler === undefined) {
      reply("error", buildError({ type: "cancel", condition: "service-unavailable" }));
      return true;
    }
    try {
      reply("result", handler(from, payload));
    } catch (error) {
      const known = error instanceof RemoteProtocolError;
      const wire = { type: "cancel", condition: "internal-server-error" } as const;
      reply("error", buildError(known ? error.wire : wire));
      // A fault of ours must be seen, but may not take the stream's other handlers with it.
      if (!known) reportError(error);
    }
    return true;
  }
}

const CHECK_NETWORK = "Check your network, or choose the other kind of connection, and try again.";

function unreachable(): ServerUnreachable {
  return new ServerUnreachable("The server cannot be reached.", CHECK_NETWORK);
}

function connectionFailure(
  options: ConnectOptions,
  condition: string | null,
): ServerUnreachable | LoginRefused {
  const refusals = ["no-auth-mech", "x-strophe-bad-non-anon-jid", "not-authorized"];
  return condition !== null && refusals.includes(condition)
    ? refused(options, condition)
    : unreachable();
}

function refused({ jid, password }: ConnectOptions, condition: string | null): LoginRefused {
  if (password === undefined) {
    return new LoginRefused(
      "The server takes no guests at the moment.",
      "Sign in with an account instead.",
    );
  }
  const detail = condition === null || condition === "not-authorized" ? "" : ` (${condition})`;
  return new LoginRefused(
    `The server did not accept the password for ${jid}${detail}.`,
    "Check the address and the password.",
  );
}

function disconnected(condition?: string): Disconnected {
  return condition === "conflict"
    ? new Disconnected("This account signed in somewhere else.", "Sign in again to go on here.")
    : new Disconnected("The connection to the server was lost.", "Sign in again to go on.");
}
