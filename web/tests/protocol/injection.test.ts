/** No value of a peer becomes more than the one SDP line it belongs to. */
import { expect, it, describe as suite } from "vitest";
import { MalformedStanza } from "../../src/protocol/errors.ts";
import { buildJingle, jingle, parseJingle } from "../../src/protocol/jingle/xep_0166.ts";
import { trickledCandidates } from "../../src/protocol/mapping/candidates.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import type { XmlElement } from "../../src/protocol/xml.ts";
import { read } from "../vectors.ts";

const OFFER = loads(read("browsers/firefox-153/audio-video-data--03-A-local-after-gathering.sdp"));
const STANZA = buildJingle(
  jingle("session-initiate", "s1", describe(OFFER, "initiator", "initiator").parts),
);

/** Every place of a value in the tree: an attribute's name, or "" for the text. */
function* places(node: XmlElement, path: readonly number[] = []): Generator<[number[], string]> {
  for (const name of Object.keys(node.attrs)) yield [[...path], name];
  for (const [index, child] of node.children.entries()) {
    if (typeof child === "string") yield [[...path], ""];
    else yield* places(child, [...path, index]);
  }
}

function poisoned(
  node: XmlElement,
  path: readonly number[],
  name: string,
  poison: string,
): XmlElement {
  const [index, ...rest] = path;
  if (index === undefined) {
    if (name === "") return { ...node, children: [poison] };
    return { ...node, attrs: { ...node.attrs, [name]: `${node.attrs[name] ?? ""}${poison}` } };
  }
  const children = node.children.map((child, at) =>
    at === index && typeof child !== "string" ? poisoned(child, rest, name, poison) : child,
  );
  return { ...node, children };
}

function toSdp(stanza: XmlElement): string {
  return dumps(descriptionOf(parseJingle(stanza), "initiator").description);
}

suite("injection", () => {
  for (const [label, poison] of [
    ["CR LF", "\r\na=injected:1"],
    ["LF", "\na=injected:1"],
    ["CR", "\ra=injected:1"],
    ["NUL", "\u0000a=injected:1"],
  ] as const) {
    it(`${label} in any value is refused or never becomes a line`, () => {
      let refused = 0;
      for (const [path, name] of places(STANZA)) {
        const isResidue = name === "" && path.length <= 2;
        // The residue's text is lines; a line more in it is a line the peer may send.
        if (isResidue && !poison.startsWith("\u0000")) continue;
        let sdp: string;
        try {
          sdp = toSdp(poisoned(STANZA, path, name, poison));
        } catch (error) {
          expect(error).toBeInstanceOf(MalformedStanza);
          refused++;
          continue;
        }
        expect(sdp.split("\r\n").filter((line) => line.startsWith("a=injected"))).toEqual([]);
        expect(sdp).not.toMatch(/[^\r]\n|\r[^\n]|\0/);
      }
      expect(refused).toBeGreaterThan(200);
    });
  }

  it("the untouched stanza is fine", () => {
    expect(toSdp(STANZA)).toContain("a=ice-ufrag:");
  });

  it("a residue cannot open a section, change a fingerprint or add a candidate", () => {
    const parts = describe(OFFER, "initiator", "initiator").parts;
    const evil = [
      "m=audio 9 UDP/TLS/RTP/SAVPF 0",
      "v=1",
      `a=fingerprint:sha-256 ${Array(32).fill("AA").join(":")}`,
      "a=ice-pwd:evilevilevilevilevilevil",
      "a=candidate:1 1 udp 1 192.0.2.1 9 typ host",
      "a=setup:passive",
      "a=mid:9",
      "a=sendonly",
      "a=remote-candidates:1 192.0.2.1 9",
      "a=x-jingle:evil",
    ];
    // Data channels have no elements for these.
    const evilInRtp = [
      "a=content:slides",
      "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:evil",
      "a=extmap:99 urn:evil",
    ];
    const contents = parts.contents.map((content) => ({
      ...content,
      residue: [
        ...content.residue.filter((line) => !line.startsWith("m=")),
        ...evil,
        ...(content.description?.kind === "rtp" ? evilInRtp : []),
        ...(content.description?.kind === "rtp"
          ? content.description.rtp.payloadTypes.map(({ id }) => `a=rtpmap:${id} evil codec/9`)
          : []),
      ],
    }));
    const sdp = dumps(descriptionOf({ ...parts, contents }, "initiator").description);
    expect(sdp).not.toContain("evil codec");
    for (const line of [...evil, ...evilInRtp]) expect(sdp.split("\r\n")).not.toContain(line);
    expect(loads(sdp).media).toHaveLength(OFFER.media.length);
  });

  it("a session residue cannot open a section or make groups", () => {
    const parts = describe(OFFER, "initiator", "initiator").parts;
    const residue = ["m=audio 9 UDP/TLS/RTP/SAVPF 0", "a=group:BUNDLE x", "v=1"];
    const sdp = dumps(descriptionOf({ ...parts, residue }, "initiator").description);
    for (const line of residue) expect(sdp.split("\r\n")).not.toContain(line);
  });

  it.each(["not a line", "a", "=x", "A=upper"])("a residue line %j is refused", (line) => {
    const parts = describe(OFFER, "initiator", "initiator").parts;
    const contents = parts.contents.map((content) => ({ ...content, residue: [line] }));
    expect(() => descriptionOf({ ...parts, contents }, "initiator")).toThrow(MalformedStanza);
    expect(() => descriptionOf({ ...parts, residue: [line] }, "initiator")).toThrow(
      MalformedStanza,
    );
  });

  it("a trickled candidate is judged like one in a description", () => {
    const { parts, names } = describe(OFFER, "initiator", "initiator");
    const [content] = parts.contents;
    if (content?.transport === undefined) throw new Error("no content");
    const [candidate] = content.transport.candidates;
    if (candidate === undefined) throw new Error("no candidate");
    for (const bad of [
      { ip: "192.0.2.1\r\na=x:1" },
      { foundation: "1 2" },
      { port: "99999" },
      { component: "0" },
      { priority: "4294967296" },
      { type: "" },
    ]) {
      const transport = { ...content.transport, candidates: [{ ...candidate, ...bad }] };
      expect(() => trickledCandidates([{ ...content, transport }], names)).toThrow(MalformedStanza);
    }
  });
});
