/** A call against a peer connection and a signalling line that record what they are told. */
import { afterEach, beforeEach, expect, it, describe as suite, vi } from "vitest";
import { Call, type CallState } from "../../src/media/call.ts";
import { UnsupportedInfo } from "../../src/protocol/errors.ts";
import { otherRole, type Role } from "../../src/protocol/jingle/senders.ts";
import { type Jingle, jingle } from "../../src/protocol/jingle/xep_0166.ts";
import { loads } from "../../src/protocol/sdp/text.ts";
import { JingleSession } from "../../src/protocol/session/session.ts";
import { element } from "../../src/protocol/xml.ts";
import { RequestFailed } from "../../src/xmpp/errors.ts";
import { overTheWire, read } from "../vectors.ts";

const FOLDER = "browsers/chromium-156";
const OFFER = read(`${FOLDER}/audio-video--01-A-offer-initial.sdp`);
const ANSWER = read(`${FOLDER}/audio-video--02-B-answer-initial.sdp`);
const CANDIDATE = "candidate:1 1 udp 2113937151 192.0.2.7 55093 typ host generation 0";

class FakeTrack {
  enabled = true;
  stopped = false;
  readonly kind: string;
  constructor(kind: string) {
    this.kind = kind;
  }
  stop(): void {
    this.stopped = true;
  }
}

class FakeStream {
  readonly tracks: FakeTrack[] = [];
  addTrack(track: FakeTrack): void {
    this.tracks.push(track);
  }
  getTracks(): FakeTrack[] {
    return this.tracks;
  }
}

class FakePeerConnection extends EventTarget {
  connectionState = "new";
  closed = false;
  readonly log: string[] = [];
  readonly transceivers: { mid: string; sender: { track: FakeTrack }; receiver: unknown }[] = [];
  addTrack(track: FakeTrack): void {
    const mid = String(this.transceivers.length);
    this.transceivers.push({ mid, sender: { track }, receiver: { track: { kind: track.kind } } });
  }
  getTransceivers() {
    return this.transceivers;
  }
  async createOffer() {
    return { type: "offer", sdp: OFFER };
  }
  async createAnswer() {
    return { type: "answer", sdp: ANSWER };
  }
  async setLocalDescription(): Promise<void> {
    this.log.push("local");
    this.candidate(CANDIDATE);
  }
  async setRemoteDescription({ sdp }: { sdp: string }): Promise<void> {
    await Promise.resolve();
    this.log.push(`remote ${loads(sdp).media.length}`);
  }
  async addIceCandidate({ candidate }: { candidate: string }): Promise<void> {
    this.log.push(candidate === "" ? "end" : "candidate");
  }
  close(): void {
    this.closed = true;
  }
  candidate(candidate: string | null): void {
    const value = candidate === null ? null : { candidate, sdpMid: "0", usernameFragment: null };
    this.dispatchEvent(Object.assign(new Event("icecandidate"), { candidate: value }));
  }
  become(state: string): void {
    this.connectionState = state;
    this.dispatchEvent(new Event("connectionstatechange"));
  }
}

function setUp(role: Role = "initiator") {
  const sent: { jingle: Jingle; settle: (error?: Error) => void }[] = [];
  const states: CallState[] = [];
  const muted: string[] = [];
  const pc = new FakePeerConnection();
  const local = new FakeStream();
  local.addTrack(new FakeTrack("audio"));
  local.addTrack(new FakeTrack("video"));
  const session = new JingleSession({ sid: "s1", role, self: "a@x/1" });
  const peer = new JingleSession({ sid: "s1", role: otherRole(role), self: "b@x/1" });
  const call = new Call({
    peer: "b@x",
    session,
    signaling: {
      request: (_peer, stanza) =>
        new Promise((resolve, reject) => {
          const settle = (error?: Error) => (error === undefined ? resolve() : reject(error));
          sent.push({ jingle: overTheWire(stanza), settle });
        }),
    },
    pc: pc as unknown as RTCPeerConnection,
    local: local as unknown as MediaStream,
    events: {
      stateChanged: (state) => states.push(state),
      peerMuted: (kind, off) => muted.push(`${kind} ${off}`),
    },
  });
  const actions = () => sent.map((request) => request.jingle.action);
  const answer = () => {
    const [initiate] = sent;
    if (initiate === undefined) throw new Error("nothing sent");
    peer.receive(initiate.jingle);
    initiate.settle();
    const accept = peer.accept({ type: "answer", description: loads(ANSWER) });
    peer.confirmed();
    return accept;
  };
  return { call, session, pc, local, sent, states, muted, actions, answer, peer };
}

const settled = () => vi.advanceTimersByTimeAsync(0);

suite("a call", () => {
  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("MediaStream", FakeStream);
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it("sends its candidates after the offer was acknowledged, and connects", async () => {
    const { call, pc, sent, states, actions, answer } = setUp();
    await call.start();
    expect(actions()).toEqual(["session-initiate"]);
    const accept = answer();
    await settled();
    expect(actions()).toEqual(["session-initiate", "transport-info"]);
    pc.candidate(null);
    expect(sent.at(-1)?.jingle.contents[0]?.transport?.gatheringComplete).toBe(true);
    call.receive(accept, "b@x/1");
    expect(call.peer).toBe("b@x/1");
    await settled();
    pc.become("connected");
    expect(states).toEqual(["connecting", "connected"]);
    expect(call.connectedAt).toBeTypeOf("number");
  });

  it("gives the browser no candidate before the answer", async () => {
    const { call, pc, answer, peer } = setUp();
    await call.start();
    const accept = answer();
    const early = peer.trickle({ candidate: CANDIDATE, mid: "0" });
    for (const stanza of early) call.receive(stanza, "b@x");
    await settled();
    expect(pc.log).toEqual(["local"]);
    call.receive(accept, "b@x");
    for (const stanza of peer.trickle({ candidate: "", mid: "0" })) call.receive(stanza, "b@x");
    await settled();
    expect(pc.log).toEqual(["local", "remote 2", "candidate", "end"]);
  });

  it("hangs up, tells the peer first and closes then", async () => {
    const { call, pc, local, sent, states, answer } = setUp();
    await call.start();
    call.receive(answer(), "b@x");
    await settled();
    call.hangUp();
    expect(sent.at(-1)?.jingle).toMatchObject({
      action: "session-terminate",
      reason: { condition: "success" },
    });
    expect(states.at(-1)).toBe("ended");
    expect(local.tracks.every(({ stopped }) => stopped)).toBe(true);
    expect(pc.closed).toBe(false);
    sent.at(-1)?.settle();
    await settled();
    expect(pc.closed).toBe(true);
    expect(call.ending?.normal).toBe(true);
  });

  it("closes even if nobody answers the farewell", async () => {
    const { call, pc } = setUp();
    await call.start();
    call.hangUp();
    await vi.advanceTimersByTimeAsync(2_000);
    expect(pc.closed).toBe(true);
  });

  it("ends with the peer's reason", async () => {
    const { call, pc, answer, peer } = setUp();
    await call.start();
    call.receive(answer(), "b@x");
    call.receive(overTheWire(peer.terminate({ condition: "busy" })), "b@x");
    expect(call.ending).toMatchObject({ message: "The other side is busy.", normal: false });
    expect(pc.closed).toBe(true);
  });

  it("ends with the error of a refused session-initiate", async () => {
    const { call, sent } = setUp();
    await call.start();
    sent[0]?.settle(new RequestFailed("forbidden", "You may not.", "Ask."));
    await settled();
    expect(call.state).toBe("ended");
    expect(call.ending).toMatchObject({ message: "You may not.", remedy: "Ask.", normal: false });
  });

  it("survives a transport-info that nobody answers", async () => {
    const { call, sent, answer } = setUp();
    await call.start();
    call.receive(answer(), "b@x");
    await settled();
    sent[1]?.settle(new RequestFailed("timeout", "Silence.", ""));
    await settled();
    expect(call.state).toBe("connecting");
  });

  it("gives up when nobody answers, and when no connection comes about", async () => {
    const first = setUp();
    await first.call.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(first.sent.at(-1)?.jingle.reason?.condition).toBe("timeout");

    const second = setUp();
    await second.call.start();
    second.call.receive(second.answer(), "b@x");
    await settled();
    second.pc.become("failed");
    expect(second.sent.at(-1)?.jingle.reason?.condition).toBe("connectivity-error");
    expect(second.call.ending?.remedy).toContain("firewall");
  });

  it("tells and hears of muting, and of ringing", async () => {
    const { call, local, sent, states, muted, answer, peer } = setUp();
    await call.start();
    const accept = answer();
    call.receive(overTheWire(peer.inform({ type: "mute", content: "1" })), "b@x");
    call.receive(accept, "b@x");
    await settled();
    call.mute("audio", true);
    expect(local.tracks.map(({ enabled }) => enabled)).toEqual([false, true]);
    const payload = sent.at(-1)?.jingle.payloads[0];
    expect(payload).toMatchObject({ name: "mute", attrs: { name: "0", creator: "initiator" } });
    expect(muted).toEqual(["video true"]);
    const payloads = [element("ringing", { xmlns: "urn:xmpp:jingle:apps:rtp:info:1" })];
    call.receive(jingle("session-info", "s1", { payloads }), "b@x");
    expect(states).not.toContain("ringing");
  });

  it("tells after the answer what was switched off before", async () => {
    const { call, sent, actions, answer } = setUp();
    await call.start();
    call.mute("video", true);
    expect(actions()).toEqual(["session-initiate"]);
    call.receive(answer(), "b@x");
    await settled();
    expect(sent.at(-1)?.jingle.payloads[0]).toMatchObject({ name: "mute", attrs: { name: "1" } });
  });

  it("can be answered: nothing leaves before the session-accept", async () => {
    const { call, session, pc, sent, actions, peer } = setUp("responder");
    const offer = peer.initiate({ type: "offer", description: loads(OFFER) });
    const [event] = session.receive(overTheWire(offer));
    if (event?.type !== "offerReceived") throw new Error("no offer");
    await call.answer(event.offer);
    expect(actions()).toEqual(["session-accept"]);
    expect(pc.log).toEqual(["remote 2", "local"]);
    const [accept] = sent;
    if (accept === undefined) throw new Error("nothing sent");
    expect(peer.receive(accept.jingle)).toMatchObject([{ type: "answerReceived" }]);
    accept.settle();
    await settled();
    expect(actions()).toEqual(["session-accept", "transport-info"]);
    pc.become("connected");
    expect(call.state).toBe("connected");
  });

  it("raises what a stanza has to be refused with, and goes on", async () => {
    const { call } = setUp();
    await call.start();
    const payloads = [element("dance", { xmlns: "urn:example:dance" })];
    expect(() => call.receive(jingle("session-info", "s1", { payloads }), "b@x")).toThrow(
      UnsupportedInfo,
    );
    expect(call.state).toBe("calling");
  });
});
