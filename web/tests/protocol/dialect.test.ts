/** The lines of the residue that are ours, and the elements that came with them. */
import { expect, it, describe as suite } from "vitest";
import { MalformedStanza } from "../../src/protocol/errors.ts";
import {
  buildJingle,
  type Jingle,
  jingle,
  parseJingle,
} from "../../src/protocol/jingle/xep_0166.ts";
import { trickleContent, trickledCandidates } from "../../src/protocol/mapping/candidates.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { toWire } from "../../src/protocol/mapping/extensions.ts";
import { ContentNames } from "../../src/protocol/mapping/names.ts";
import { forBrowser } from "../../src/protocol/sdp/browser.ts";
import { loadCandidate } from "../../src/protocol/sdp/grammar.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import { JingleSession } from "../../src/protocol/session/session.ts";
import { overTheWire, parseXml, serialize } from "../vectors.ts";

const PWD = "x9cmlYzichV2xlhiMu8gKqJh";
const FINGERPRINT = `a=fingerprint:sha-256 ${Array(32).fill("AB").join(":")}`;
const OTHER_FINGERPRINT = `a=fingerprint:sha-256 ${Array(32).fill("CD").join(":")}`;
const HEAD = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0"];
const CANDIDATE = "candidate:1 1 udp 2122260223 192.0.2.7 55093 typ host";

function section(mid: string, ...lines: string[]): string[] {
  const kind = mid.startsWith("v") ? "video" : "audio";
  return [`m=${kind} 9 UDP/TLS/RTP/SAVPF 0`, "c=IN IP4 0.0.0.0", `a=mid:${mid}`, ...lines];
}

function parts(lines: readonly string[]): Jingle {
  const description = loads([...lines, ""].join("\n"));
  const { parts } = describe(description, "initiator", "initiator");
  return overTheWire(jingle("session-initiate", "s1", parts));
}

function linesOf(stanza: Jingle): string[] {
  return dumps(descriptionOf(stanza, "initiator").description).trimEnd().split("\r\n");
}

function expectJourney(lines: readonly string[]): Jingle {
  const stanza = parts(lines);
  expect(linesOf(stanza).toSorted()).toEqual([...lines].toSorted());
  return stanza;
}

suite("session level", () => {
  const above = [FINGERPRINT, "a=setup:actpass", "a=ice-ufrag:F7gI", `a=ice-pwd:${PWD}`];

  it("is named, not repeated, and the sections stay without", () => {
    const { residue, contents } = expectJourney([
      ...HEAD,
      ...above,
      "a=recvonly",
      ...section("a"),
      ...section("v"),
    ]);
    expect(residue).toEqual([
      "o=- 1 2 IN IP4 127.0.0.1",
      "~session ice_ufrag ice_pwd fingerprints setup direction",
    ]);
    expect(contents.map(({ residue }) => residue)).toEqual([[], []]);
    expect(contents.map(({ senders }) => senders)).toEqual(["responder", "responder"]);
    expect(contents[1]?.transport).toMatchObject({ ufrag: "F7gI", pwd: PWD });
  });

  it("and a section may both say the same", () => {
    const { contents } = expectJourney([
      ...HEAD,
      ...above,
      ...section("a", FINGERPRINT, "a=setup:actpass"),
      ...section("v"),
    ]);
    expect(contents.map(({ residue }) => residue)).toEqual([["~section fingerprints setup"], []]);
  });

  it("that the first section overrides is kept as it stands", () => {
    const { residue } = expectJourney([
      ...HEAD,
      ...above,
      ...section("a", OTHER_FINGERPRINT),
      ...section("v"),
    ]);
    expect(residue).toContain(FINGERPRINT);
    expect(residue).toContain("~session ice_ufrag ice_pwd setup");
  });

  it("gives nothing to a section whose content is silent", () => {
    const stanza = parts([...HEAD, ...above, ...section("a"), ...section("v")]);
    const [first, second] = stanza.contents;
    if (first === undefined || second?.transport === undefined) throw new Error("two contents");
    const silent = { ...second, transport: { ...second.transport, fingerprints: [] } };
    for (const residue of [stanza.residue, above]) {
      const lines = linesOf({ ...stanza, residue, contents: [first, silent] });
      const start = lines.findIndex((line) => line.startsWith("m="));
      expect(lines.slice(0, start)).not.toContain(FINGERPRINT);
      expect(lines.slice(0, start)).not.toContain("a=setup:actpass");
      expect(lines.filter((line) => line === FINGERPRINT)).toHaveLength(1);
    }
  });

  it("cannot be claimed where contents differ from it", () => {
    const stanza = parts([
      ...HEAD,
      ...section("a", FINGERPRINT, "a=sendrecv"),
      ...section("v", OTHER_FINGERPRINT, "a=inactive"),
    ]);
    const lines = linesOf({ ...stanza, residue: ["~session fingerprints direction nothing"] });
    expect(lines.filter((line) => line === FINGERPRINT)).toHaveLength(1);
    expect(lines.slice(lines.indexOf("a=mid:v"))).toContain(OTHER_FINGERPRINT);
    expect(lines.slice(lines.indexOf("a=mid:v"))).toContain("a=inactive");
  });

  it("has extmap-allow-mixed only while every RTP content says it", () => {
    const mixed = "a=extmap-allow-mixed";
    const stanza = expectJourney([...HEAD, mixed, ...section("a"), ...section("v")]);
    const [first, second] = stanza.contents;
    if (first === undefined || second?.description?.kind !== "rtp") throw new Error("no content");
    const rtp = { ...second.description.rtp, extmapAllowMixed: false };
    const silent = { ...second, description: { kind: "rtp", rtp } as const };
    const lines = linesOf({ ...stanza, contents: [first, silent] });
    expect(lines.filter((line) => line === mixed)).toHaveLength(1);
    expect(lines.indexOf(mixed)).toBeGreaterThan(lines.findIndex((line) => line.startsWith("m=")));
  });

  it("has no direction without senders, and no line comes from nowhere", () => {
    const { contents } = expectJourney([...HEAD, ...section("a"), ...section("v", "a=sendonly")]);
    expect(contents.map(({ senders }) => senders)).toEqual([undefined, "initiator"]);
  });
});

suite("candidates", () => {
  it("of a description keep their extensions under their ids", () => {
    const [first, second, third] = [
      `a=${CANDIDATE} generation 0 network-id 3 network-cost 10`,
      `a=${CANDIDATE}`,
      "a=candidate:2 1 TCP 1518280447 2001:db8::9 9 typ srflx raddr :: rport 9 tcptype active generation 0",
    ];
    const { contents } = expectJourney([...HEAD, ...section("a", first, second, third)]);
    const candidates = contents[0]?.transport?.candidates ?? [];
    expect(candidates.map(({ generation }) => generation)).toEqual(["0", "0", "0"]);
    const ids = candidates.map(({ id }) => id);
    expect(new Set(ids).size).toBe(3);
    for (const id of ids) expect(id).toMatch(/^c[0-9a-f]{8}(-2)?$/);
    expect(contents[0]?.residue).toEqual([
      `~c ${ids[0]} network-id 3 network-cost 10`,
      `~c ${ids[1]} generation -`,
      `~c ${ids[2]} protocol TCP`,
    ]);
    expect(candidates.map(({ protocol }) => protocol)).toEqual(["udp", "udp", "tcp"]);
  });

  it("that differ in extensions only have different ids", () => {
    const lines = [`a=${CANDIDATE} network-id 1`, `a=${CANDIDATE} network-id 2`];
    const { contents } = expectJourney([...HEAD, ...section("a", ...lines)]);
    const ids = contents[0]?.transport?.candidates.map(({ id }) => id) ?? [];
    expect(ids[1]).toBe(`${ids[0]}-2`);
  });

  it("keep a generation that the element says, whatever the residue says", () => {
    const [content] = trickled(CANDIDATE).contents;
    const [candidate] = content?.transport?.candidates ?? [];
    if (content?.transport === undefined || candidate === undefined) throw new Error("nothing");
    const transport = { ...content.transport, candidates: [{ ...candidate, generation: "3" }] };
    expect(trickledCandidates([{ ...content, transport }], NAMES)).toMatchObject([
      { candidate: `${CANDIDATE} generation 3` },
    ]);
  });

  it("have the CRC-32 of their line as id", () => {
    const line = loadCandidate("1 1 udp 2122260223 192.0.2.7 55093 typ host generation 0 x y");
    if (line === undefined) throw new Error("not a candidate");
    expect(toWire([line]).candidates[0]?.id).toBe("ceb3074bc");
  });

  it("that XEP-0176 cannot say to the letter travel as lines only", () => {
    const odd = [
      `a=${CANDIDATE} generation 0 tcptype active`,
      "a=candidate:1 300 udp 1 192.0.2.7 9 typ host generation 0",
      "a=candidate:1 1 sctp 1 192.0.2.7 9 typ host generation 0",
      "a=candidate:1 1 udp 1 192.0.2.7 9 typ odd generation 0",
      `a=${CANDIDATE} generation 00`,
    ];
    const { contents } = expectJourney([...HEAD, ...section("a", ...odd)]);
    expect(contents[0]?.transport?.candidates).toEqual([]);
    expect(contents[0]?.residue).toEqual(odd);
  });

  const KEY = { creator: "initiator", name: "a" } as const;
  const NAMES = ContentNames.empty.add(KEY);
  const trickled = (candidate: string) =>
    overTheWire(
      jingle("transport-info", "s1", {
        contents: [trickleContent(KEY, candidate, { ufrag: "F7gI", pwd: PWD })],
      }),
    );

  it.each([
    CANDIDATE,
    `${CANDIDATE} generation 0 ufrag F7gI network-id 1 network-cost 999`,
    `${CANDIDATE} ufrag F7gI`,
    "candidate:0 1 UDP 2122187007 3f1b7d5c.local 51471 typ host",
    "candidate:4 2 tcp 1518280447 2001:db8::1 9999 typ srflx raddr :: rport 9 tcptype passive",
  ])("trickle whole: %s", (candidate) => {
    const stanza = trickled(candidate);
    expect(stanza.contents[0]?.transport?.candidates[0]?.generation).toBe("0");
    expect(trickledCandidates(stanza.contents, NAMES)).toEqual([
      { candidate, mid: "a", ufrag: "F7gI" },
    ]);
  });

  it("of a peer without a residue are read as they are", () => {
    const { contents } = trickled(`${CANDIDATE} generation 0 ufrag F7gI`);
    const bare = contents.map((content) => ({ ...content, residue: [] }));
    expect(trickledCandidates(bare, NAMES)).toMatchObject([
      { candidate: `${CANDIDATE} generation 0` },
    ]);
  });

  it.each(["x", "x ", " x y", "a b c"])("a broken line is refused: %j", (pairs) => {
    const [content] = trickled(CANDIDATE).contents;
    const residue = [`~c c1 ${pairs}`];
    if (content === undefined) throw new Error("no content");
    expect(() => trickledCandidates([{ ...content, residue }], NAMES)).toThrow(MalformedStanza);
  });

  it.each(["\r\na=x", "a\tb", "\u0000"])("take no extension but words: %j", (evil) => {
    const [content] = trickled(CANDIDATE).contents;
    const id = content?.transport?.candidates[0]?.id;
    if (content === undefined || id === undefined) throw new Error("no candidate");
    const residue = [`~c ${id} x ${evil}`];
    expect(() => trickledCandidates([{ ...content, residue }], NAMES)).toThrow(MalformedStanza);
  });
});

suite("our lines", () => {
  it("that nobody knows are ignored, and so are kept sections", () => {
    const lines = [...HEAD, ...section("a", "a=sendrecv")];
    const stanza = parts(lines);
    const xml = serialize(
      buildJingle({ ...stanza, residue: [...stanza.residue, "~dance now", "~"] }),
    );
    const kept = "<section index='1'>m=video 0 UDP/TLS/RTP/SAVPF 0\na=mid:v</section>";
    const packed = "<section index='2' encoding='deflate'>AAAA</section>";
    const at = xml.lastIndexOf("</residue>");
    const read = parseJingle(parseXml(`${xml.slice(0, at)}${kept}${packed}${xml.slice(at)}`));
    expect(linesOf(read).toSorted()).toEqual(lines.toSorted());
    const contents = read.contents.map((content) => ({ ...content, residue: ["~dance", "~"] }));
    expect(linesOf({ ...read, contents }).toSorted()).toEqual(lines.toSorted());
  });
});

suite("a residue's media line", () => {
  it("cannot refuse a section that has a content", () => {
    const lines = [...HEAD, ...section("a")];
    const stanza = parts(lines);
    const contents = stanza.contents.map((content) => ({
      ...content,
      residue: ["m=audio 0 UDP/TLS/RTP/SAVP 0"],
    }));
    expect(linesOf({ ...stanza, contents })).toContain("m=audio 9 UDP/TLS/RTP/SAVP 0");
    const bundled = contents.map((content) => ({
      ...content,
      residue: [...content.residue, "a=bundle-only"],
    }));
    expect(linesOf({ ...stanza, contents: bundled })).toContain("m=audio 0 UDP/TLS/RTP/SAVP 0");
  });
});

suite("elements", () => {
  const CRYPTO =
    "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:d0RmdmcmVCspeEc3QGZiNWpVLFJhQX1c|2^20|1:32";

  it("say what a stream shows", () => {
    const { contents } = expectJourney([...HEAD, ...section("v", "a=content:slides,alt")]);
    expect(contents[0]).toMatchObject({
      description: { rtp: { categories: ["slides", "alt"] } },
      residue: [],
    });
  });

  it("carry SDES keys with and without session parameters", () => {
    const { contents } = expectJourney([
      ...HEAD,
      ...section("a", CRYPTO, `${CRYPTO.replace(":1 ", ":2 ")} KDR=1 UNENCRYPTED_SRTCP`),
    ]);
    expect(contents[0]).toMatchObject({
      description: {
        rtp: { cryptos: [{ tag: "1" }, { tag: "2", sessionParams: "KDR=1 UNENCRYPTED_SRTCP" }] },
      },
      residue: [],
    });
  });

  it("carry the chosen candidates", () => {
    const line = "a=remote-candidates:1 203.0.113.5 40000 2 2001:db8::5 40001";
    const { contents } = expectJourney([...HEAD, ...section("a", line)]);
    expect(contents[0]?.transport?.remoteCandidates).toHaveLength(2);
    expect(contents[0]?.residue).toEqual([]);
  });

  it.each([
    "a=content:sli des",
    "a=content:a,,b",
    "a=crypto:1 only",
    "a=remote-candidates:1 203.0.113.5",
    "a=remote-candidates:0 203.0.113.5 1",
    "a=setup:active",
    "a=extmap:300 urn:x",
  ])("leave to the residue what is not of their form: %s", (line) => {
    expect(expectJourney([...HEAD, ...section("a", line)]).contents[0]?.residue).toContain(line);
  });

  it("never bring SDES keys or marks of bridges to a browser", () => {
    const lines = [...HEAD, ...section("a", CRYPTO, "a=sendrecv"), ...section("v", CRYPTO)];
    const [first = "", ...rest] = lines;
    const marked = [first, ...rest.slice(0, 3), "a=x-jingle:1", ...rest.slice(3), "a=x-jingle:2"];
    const stanza = parts(marked);
    const session = new JingleSession({ sid: "s1", role: "responder", self: "a@x/1" });
    const [event] = session.receive(stanza);
    if (event?.type !== "offerReceived") throw new Error("no offer");
    const sdp = dumps(event.offer.description);
    expect(sdp).not.toMatch(/crypto|x-jingle/);
    expect(sdp.trimEnd().split("\r\n").toSorted()).toEqual(
      lines.filter((line) => line !== CRYPTO).toSorted(),
    );
    const plain = loads(dumps(forBrowser(loads(marked.join("\n")))));
    expect(dumps(plain)).toBe(sdp);
  });
});
