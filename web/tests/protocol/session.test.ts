import { expect, it, describe as suite } from "vitest";
import {
  LocalProtocolError,
  MalformedStanza,
  OutOfOrder,
  RemoteProtocolError,
  UnknownSession,
  UnsupportedAction,
  UnsupportedInfo,
} from "../../src/protocol/errors.ts";
import { ACTIONS, type Jingle, jingle } from "../../src/protocol/jingle/xep_0166.ts";
import type { Answer, Offer } from "../../src/protocol/sdp/description.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import { JingleSession } from "../../src/protocol/session/session.ts";
import { after, TRANSITIONS } from "../../src/protocol/session/transitions.ts";
import { element } from "../../src/protocol/xml.ts";
import { overTheWire, read } from "../vectors.ts";

const FOLDER = "browsers/chromium-156";
const OFFER: Offer = {
  type: "offer",
  description: loads(read(`${FOLDER}/audio-video--01-A-offer-initial.sdp`)),
};
const ANSWER: Answer = {
  type: "answer",
  description: loads(read(`${FOLDER}/audio-video--02-B-answer-initial.sdp`)),
};
const CANDIDATE = "candidate:1 1 udp 2113937151 192.0.2.7 55093 typ host generation 0";

function pair() {
  const a = new JingleSession({ sid: "s1", role: "initiator", self: "a@x/1" });
  const b = new JingleSession({ sid: "s1", role: "responder", self: "b@x/1" });
  return { a, b };
}

/** Both sides connected; the stanzas travel as text. */
function active() {
  const { a, b } = pair();
  b.receive(overTheWire(a.initiate(OFFER)));
  a.confirmed();
  a.receive(overTheWire(b.accept(ANSWER)));
  b.confirmed();
  a.remoteDescriptionSet();
  b.remoteDescriptionSet();
  return { a, b };
}

suite("a call", () => {
  it("takes offer and answer across", () => {
    const { a, b } = pair();
    const [offered] = b.receive(overTheWire(a.initiate(OFFER)));
    if (offered?.type !== "offerReceived") throw new Error("no offer");
    expect(dumps(offered.offer.description).split("\r\n").toSorted()).toEqual(
      dumps(OFFER.description).split("\r\n").toSorted(),
    );
    const accept = b.accept(ANSWER);
    expect(accept.responder).toBe("b@x/1");
    expect(accept.contents.map(({ creator }) => creator)).toEqual(["initiator", "initiator"]);
    const [answered] = a.receive(overTheWire(accept));
    if (answered?.type !== "answerReceived") throw new Error("no answer");
    expect(dumps(answered.answer.description).split("\r\n").toSorted()).toEqual(
      dumps(ANSWER.description).split("\r\n").toSorted(),
    );
    expect([a.state, b.state]).toEqual(["active", "active"]);
  });

  it("brings a refused section back from the offer, in its place", () => {
    const { a, b } = pair();
    const offer = OFFER.description;
    const refused = 0;
    const answer = {
      ...ANSWER.description,
      media: ANSWER.description.media.map((media, index) =>
        index === refused ? { ...media, port: 0 } : media,
      ),
    };
    b.receive(overTheWire(a.initiate(OFFER)));
    const accept = overTheWire(b.accept({ type: "answer", description: answer }));
    expect(accept.contents).toHaveLength(answer.media.length - 1);
    const [event] = a.receive(accept);
    if (event?.type !== "answerReceived") throw new Error("no answer");
    const { media } = event.answer.description;
    expect(media).toHaveLength(offer.media.length);
    expect(media[refused]).toMatchObject({
      kind: offer.media[refused]?.kind,
      port: 0,
      formats: offer.media[refused]?.formats,
    });
  });

  it("keeps the order of the offer whatever the order of the answer", () => {
    const { a, b } = pair();
    b.receive(a.initiate(OFFER));
    const accept = b.accept(ANSWER);
    const [event] = a.receive({ ...accept, contents: accept.contents.toReversed() });
    if (event?.type !== "answerReceived") throw new Error("no answer");
    expect(event.answer.description.media.map(({ kind }) => kind)).toEqual(["audio", "video"]);
  });

  it("refuses an answer with a content nobody offered", () => {
    const { a, b } = pair();
    b.receive(a.initiate(OFFER));
    const accept = b.accept(ANSWER);
    const contents = accept.contents.map((content) => ({ ...content, name: "other" }));
    expect(() => a.receive({ ...accept, contents })).toThrow(MalformedStanza);
    expect(a.state).toBe("pending");
    a.receive(accept);
    expect(a.state).toBe("active");
  });

  it("ends with the peer's reason", () => {
    const { a, b } = active();
    const events = a.receive(overTheWire(b.terminate({ condition: "busy", text: "Later." })));
    expect(events).toEqual([
      { type: "sessionEnded", reason: { condition: "busy", text: "Later." } },
    ]);
    expect([a.state, b.state]).toEqual(["ended", "ended"]);
    expect(() => a.receive(jingle("session-info", "s1"))).toThrow(UnknownSession);
  });

  it("reads an unknown reason as a general error and a missing one as success", () => {
    const { a } = active();
    const [event] = a.receive(jingle("session-terminate", "s1"));
    expect(event).toMatchObject({ reason: { condition: "success" } });
  });
});

suite("candidates", () => {
  it("leave one by one, with credentials, and only when the offer has arrived", () => {
    const { a, b } = pair();
    const offer = a.initiate(OFFER);
    expect(a.trickle({ candidate: CANDIDATE, mid: "0" })).toEqual([]);
    expect(a.trickle({ candidate: "", mid: "0" })).toEqual([]);
    const held = a.confirmed();
    expect(held).toHaveLength(2);
    for (const stanza of held) {
      expect(stanza.action).toBe("transport-info");
      expect(stanza.contents).toHaveLength(1);
      expect(stanza.contents[0]?.transport?.ufrag).toMatch(/^\S{4,}$/);
      expect(stanza.contents[0]?.transport?.pwd).toMatch(/^\S{22,}$/);
    }
    expect(held[1]?.contents[0]?.transport?.gatheringComplete).toBe(true);
    expect(a.confirmed()).toEqual([]);

    b.receive(offer);
    expect(held.flatMap((stanza) => b.receive(overTheWire(stanza)))).toEqual([]);
    expect(b.remoteDescriptionSet()).toMatchObject([
      { type: "candidateReceived", candidate: { candidate: CANDIDATE, mid: "0" } },
      { type: "candidateReceived", candidate: { candidate: "", mid: "0" } },
    ]);
    const [later] = a.trickle({ candidate: CANDIDATE, mid: "1" });
    if (later === undefined) throw new Error("nothing sent");
    expect(b.receive(overTheWire(later))).toMatchObject([{ candidate: { mid: "1" } }]);
  });

  it("of another generation or section stay here", () => {
    const { a } = active();
    expect(a.trickle({ candidate: CANDIDATE, mid: "0", ufrag: "old" })).toEqual([]);
    expect(a.trickle({ candidate: CANDIDATE, mid: "7" })).toEqual([]);
  });

  it("for an unknown content are refused", () => {
    const { a, b } = active();
    const [stanza] = b.trickle({ candidate: CANDIDATE, mid: "0" });
    if (stanza === undefined) throw new Error("nothing sent");
    const contents = stanza.contents.map((content) => ({ ...content, name: "nobody" }));
    expect(() => a.receive({ ...stanza, contents })).toThrow(MalformedStanza);
  });

  it("are not hoarded without end", () => {
    const { a, b } = pair();
    b.receive(a.initiate(OFFER));
    a.confirmed();
    const [stanza] = a.trickle({ candidate: CANDIDATE, mid: "0" });
    if (stanza === undefined) throw new Error("nothing sent");
    expect(() => {
      for (let count = 0; count < 1000; count++) b.receive(stanza);
    }).toThrow(MalformedStanza);
  });
});

suite("session-info", () => {
  it("tells mute and unmute of a content", () => {
    const { a, b } = active();
    const events = b.receive(overTheWire(a.inform({ type: "mute", content: "1" })));
    expect(events).toEqual([
      { type: "infoReceived", info: { type: "mute", content: "1", creator: "initiator" } },
    ]);
  });

  it("may be empty, which is a ping", () => {
    expect(active().a.receive(jingle("session-info", "s1"))).toEqual([]);
  });

  it("that nobody knows is refused", () => {
    const { a } = active();
    const payloads = [element("dance", { xmlns: "urn:example:dance" })];
    expect(() => a.receive(jingle("session-info", "s1", { payloads }))).toThrow(UnsupportedInfo);
  });
});

suite("every action in every state", () => {
  const stanza = (action: (typeof ACTIONS)[number]): Jingle => jingle(action, "s1");

  it.each(ACTIONS)("%s is legal by the table or raises and changes nothing", (action) => {
    for (const role of ["initiator", "responder"] as const) {
      const peer = role === "initiator" ? "responder" : "initiator";
      const session = new JingleSession({ sid: "s1", role, self: "a@x/1" });
      if (after("new", action, peer) !== undefined) continue;
      let raised: unknown;
      try {
        session.receive(stanza(action));
      } catch (error) {
        raised = error;
      }
      const known = TRANSITIONS.some((row) => row.action === action);
      expect(raised).toBeInstanceOf(RemoteProtocolError);
      expect(raised).toBeInstanceOf(known ? OutOfOrder : UnsupportedAction);
      expect(session.state).toBe("new");
    }
  });

  it("carries the wire conditions of XEP-0166 §10", () => {
    expect(new UnknownSession("").wire).toMatchObject({
      condition: "item-not-found",
      jingleCondition: "unknown-session",
    });
    expect(new OutOfOrder("").wire).toMatchObject({
      condition: "unexpected-request",
      jingleCondition: "out-of-order",
    });
    expect(new UnsupportedInfo("").wire).toMatchObject({
      condition: "feature-not-implemented",
      jingleCondition: "unsupported-info",
    });
  });

  it("our own commands are judged too", () => {
    const { a, b } = pair();
    expect(() => a.accept(ANSWER)).toThrow(LocalProtocolError);
    expect(() => b.initiate(OFFER)).toThrow(LocalProtocolError);
    expect(() => a.terminate({ condition: "cancel" })).toThrow(LocalProtocolError);
    a.initiate(OFFER);
    expect(() => a.initiate(OFFER)).toThrow(LocalProtocolError);
  });
});
