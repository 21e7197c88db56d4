/** Signed in, ready to call: a connection, its Jingle sessions and at most one call. */
import { Call, type CallEvents } from "./media/call.ts";
import { type CallMedia, capture, type MediaSource } from "./media/capture.ts";
import { JingleSession } from "./protocol/session/session.ts";
import { type ConnectOptions, XmppConnection } from "./xmpp/connection.ts";
import { answerDisco } from "./xmpp/disco.ts";
import type { Disconnected } from "./xmpp/errors.ts";
import { JingleRouter } from "./xmpp/jingle.ts";

export interface CallRequest {
  readonly peer: string;
  readonly media: CallMedia;
  readonly source: MediaSource;
  readonly iceServers: readonly RTCIceServer[];
  readonly events: Partial<CallEvents>;
  /** Aborted: the person hung up while the browser was still asking for the devices. */
  readonly signal: AbortSignal;
}

export class Phone {
  readonly #connection: XmppConnection;
  readonly #router: JingleRouter;

  private constructor(connection: XmppConnection) {
    this.#connection = connection;
    this.#router = new JingleRouter(connection);
    answerDisco(connection);
  }

  /** Raises ServerUnreachable or LoginRefused. */
  static async signIn(options: ConnectOptions): Promise<Phone> {
    return new Phone(await XmppConnection.connect(options));
  }

  /** Our full JID. */
  get jid(): string {
    return this.#connection.jid;
  }

  /** The connection is gone, and with it whatever call there was. */
  onSignedOut(listener: (reason: Disconnected) => void): void {
    this.#connection.onClosed(listener);
  }

  /** Take the devices and call. `undefined` if aborted. Raises CaptureError. */
  async call(request: CallRequest): Promise<Call | undefined> {
    const local = await capture(request.media, request.source);
    if (request.signal.aborted) {
      for (const track of local.getTracks()) track.stop();
      return undefined;
    }
    const sid = crypto.randomUUID();
    const session = new JingleSession({ sid, role: "initiator", self: this.jid });
    const { stateChanged } = request.events;
    const events: Partial<CallEvents> = {
      ...request.events,
      stateChanged: (state) => {
        if (state === "ended") this.#router.remove(sid);
        stateChanged?.(state);
      },
    };
    const pc = new RTCPeerConnection({ iceServers: [...request.iceServers] });
    const { peer } = request;
    const call = new Call({ peer, session, signaling: this.#router, pc, local, events });
    this.#router.add(sid, call);
    void call.start();
    return call;
  }

  signOut(): void {
    this.#connection.close();
  }
}
