/** What other clients really sent becomes a description that a browser can read. */
import { expect, it, describe as suite } from "vitest";
import { type Jingle, parseJingle } from "../../src/protocol/jingle/xep_0166.ts";
import { dumps } from "../../src/protocol/sdp/text.ts";
import { JingleSession } from "../../src/protocol/session/session.ts";
import { elements } from "../../src/protocol/xml.ts";
import { list, parseXml, read } from "../vectors.ts";

function stanzas(folder: string): Jingle[] {
  return list(`clients/${folder}`, ".xml").flatMap((path) => {
    const payload = elements(parseXml(read(path))).find(({ name }) => name === "jingle");
    return payload === undefined ? [] : [parseJingle(payload)];
  });
}

function offerOf(folder: string): string[] {
  const initiate = stanzas(folder).find(({ action }) => action === "session-initiate");
  if (initiate === undefined) throw new Error("no session-initiate");
  const session = new JingleSession({ sid: initiate.sid, role: "responder", self: "a@x/1" });
  const [event] = session.receive(initiate);
  if (event?.type !== "offerReceived") throw new Error("no offer");
  return dumps(event.offer.description).split("\r\n");
}

suite("Dino", () => {
  it("offers audio and video with SDES beside DTLS; only DTLS gets into the SDP", () => {
    const lines = offerOf("dino");
    expect(lines.filter((line) => line.startsWith("m="))).toEqual([
      "m=audio 9 UDP/TLS/RTP/SAVPF 111 112 113 114 0 8",
      "m=video 9 UDP/TLS/RTP/SAVPF 98",
    ]);
    expect(lines.filter((line) => line.startsWith("a=mid:"))).toEqual([
      "a=mid:audio",
      "a=mid:video",
    ]);
    expect(lines.filter((line) => line.startsWith("a=crypto"))).toEqual([]);
    expect(lines.filter((line) => line === "a=setup:actpass")).toHaveLength(2);
    expect(lines).toContain("a=rtpmap:111 opus/48000/2");
    expect(lines).toContain("a=rtcp-fb:98 nack pli");
    expect(lines).toContain("a=candidate:1 1 udp 2015363327 10.99.2.1 46195 typ host generation 0");
  });
});

suite("stanza", () => {
  it("offers with channels on video and nameless parameters", () => {
    const lines = offerOf("stanza-bot");
    expect(lines).toContain("a=rtpmap:96 VP8/90000");
    expect(lines).toContain("a=fmtp:63 111/111");
    expect(lines).toContain("a=rtpmap:111 opus/48000/2");
  });

  it("trickles without a password", () => {
    const [initiate, ...rest] = stanzas("stanza-bot");
    if (initiate === undefined) throw new Error("nothing recorded");
    const session = new JingleSession({ sid: initiate.sid, role: "responder", self: "a@x/1" });
    session.receive(initiate);
    session.remoteDescriptionSet();
    const trickled = rest.filter(({ action }) => action === "transport-info");
    expect(trickled.length).toBeGreaterThan(0);
    const events = trickled.flatMap((stanza) => session.receive(stanza));
    expect(events.length).toBeGreaterThanOrEqual(trickled.length);
    expect(new Set(events.map(({ type }) => type))).toEqual(new Set(["candidateReceived"]));
  });
});

suite("every recorded stanza", () => {
  const folders = [
    "dino",
    "dino-audio-then-video",
    "dino-content-add-in",
    "dino-incoming",
    "dino-incoming2",
    "dino-jidtests",
    "dino-retract-reject",
    "dino-video-cam",
    "stanza-bot",
  ];
  it.each(folders)("of %s can be read", (folder) => {
    for (const stanza of stanzas(folder)) expect(stanza.sid).not.toBe("");
  });
});
