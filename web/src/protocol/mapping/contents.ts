/**
 * One m-section of SDP to one Jingle content and back.
 *
 * The journey back is total: the lines that the standard elements give, in any order, with the residue
 * merged in. What `contentOf` puts into the residue is whatever that journey would lose.
 */
import { MalformedStanza } from "../errors.ts";
import { directionFor, type Role, type Senders, sendersOf } from "../jingle/senders.ts";
import type { Content, Description } from "../jingle/xep_0166.ts";
import type { PayloadType, RtpDescription } from "../jingle/xep_0167.ts";
import type { IceUdpTransport } from "../jingle/xep_0176.ts";
import type { Source, SourceParameter } from "../jingle/xep_0339.ts";
import {
  attributeValue,
  attributeValues,
  directionOf,
  isData,
  type MediaDescription,
  type SdpLine,
} from "../sdp/description.ts";
import {
  dumpCandidate,
  dumpCategories,
  dumpCrypto,
  dumpExtmap,
  dumpFeedback,
  dumpFingerprint,
  dumpFormatParameters,
  dumpRemoteCandidates,
  dumpRtpmap,
  dumpSource,
  loadCategories,
  loadCrypto,
  loadExtmap,
  loadFeedback,
  loadFingerprint,
  loadFormatParameters,
  loadRemoteCandidates,
  loadRtpmap,
  loadSource,
} from "../sdp/grammar.ts";
import { dumpLine, dumpMediaLine, integer, loadLine, loadMediaLine, token } from "../sdp/text.ts";
import { exactCandidate, fromWire, toWire } from "./extensions.ts";
import { effective, sectionResidue } from "./levels.ts";
import type { ContentKey } from "./names.ts";
import { mergeResidue, missingLines, residueMediaLine } from "./residue.ts";

const RTP_PROTO = "UDP/TLS/RTP/SAVPF";
const DATA_LINE = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel";
const CONNECTION = "c=IN IP4 0.0.0.0";

// ---- SDP to Jingle -----------------------------------------------------------------------------

/**
 * Write a section as a content.
 *
 * `session` are the session's lines, whose attributes the section inherits; `writer` is the role of
 * the side whose SDP this is.
 */
export function contentOf(
  media: MediaDescription,
  session: readonly SdpLine[],
  key: ContentKey,
  mid: string,
  writer: Role,
): Content {
  const description: Description = isData(media)
    ? { kind: "data" }
    : { kind: "rtp", rtp: rtpDescriptionOf(media, session, writer) };
  const wire = toWire(present(attributeValues(media.lines, "candidate").map(exactCandidate)));
  const content: Content = {
    ...key,
    senders: sendersIn(effective(media.lines, session, "direction"), writer),
    description,
    transport: { ...transportOf(media, session), candidates: wire.candidates },
    residue: wire.residue,
  };
  const wanted = [dumpMediaLine(media), ...media.lines.map(dumpLine)];
  const missing = missingLines(wanted, standardLines(content, mid, writer));
  return { ...content, residue: [...missing, ...wire.residue, ...sectionResidue(media, session)] };
}

function sendersIn(lines: readonly SdpLine[], writer: Role): Senders | undefined {
  const direction = directionOf(lines);
  return direction === undefined ? undefined : sendersOf(direction, writer);
}

function rtpDescriptionOf(
  media: MediaDescription,
  session: readonly SdpLine[],
  writer: Role,
): RtpDescription {
  const values = (name: string) => attributeValues(media.lines, name);
  const feedback = present(values("rtcp-fb").map(loadFeedback));
  return {
    media: media.kind,
    payloadTypes: media.formats.map((id) => payloadTypeOf(id, media, feedback)),
    feedback: feedback.filter(({ id }) => id === "*").map((line) => line.feedback),
    headerExtensions: present(values("extmap").map((value) => loadExtmap(value, writer))),
    extmapAllowMixed:
      attributeValues([...session, ...media.lines], "extmap-allow-mixed").length > 0,
    rtcpMux: values("rtcp-mux").length > 0,
    bandwidth: media.lines
      .filter((line) => line.type === "b")
      .map(({ value = "" }) => {
        const colon = value.indexOf(":");
        return { type: value.slice(0, colon), value: value.slice(colon + 1) };
      }),
    sources: sourcesOf(values("ssrc")),
    sourceGroups: values("ssrc-group").map((value) => {
      const [semantics = "", ...ssrcs] = value.split(" ");
      return { semantics, ssrcs };
    }),
    cryptos: present(values("crypto").map(loadCrypto)),
    categories: present(values("content").map(loadCategories))[0] ?? [],
  };
}

type FeedbackLine = NonNullable<ReturnType<typeof loadFeedback>>;

function payloadTypeOf(
  id: string,
  media: MediaDescription,
  feedback: readonly FeedbackLine[],
): PayloadType {
  const maps = present(attributeValues(media.lines, "rtpmap").map(loadRtpmap));
  const format = attributeValues(media.lines, "fmtp").find((value) => value.startsWith(`${id} `));
  return {
    ...(maps.find((map) => map.id === id) ?? { id }),
    // XEP-0167 §5 has these on payload types, SDP on the section.
    ptime: attributeValue(media.lines, "ptime"),
    maxptime: attributeValue(media.lines, "maxptime"),
    parameters: format === undefined ? [] : loadFormatParameters(format.slice(id.length + 1)),
    feedback: feedback.filter((line) => line.id === id).map((line) => line.feedback),
  };
}

function sourcesOf(values: readonly string[]): Source[] {
  const sources = new Map<string, SourceParameter[]>();
  for (const { ssrc, parameter } of present(values.map(loadSource))) {
    sources.set(ssrc, [...(sources.get(ssrc) ?? []), parameter]);
  }
  return [...sources].map(([ssrc, parameters]) => ({ ssrc, parameters }));
}

function transportOf(media: MediaDescription, session: readonly SdpLine[]): IceUdpTransport {
  const valuesOf = (field: "ice_ufrag" | "ice_pwd" | "fingerprints" | "setup") =>
    effective(media.lines, session, field).map(({ value = "" }) => value);
  const [setup] = valuesOf("setup");
  const port = attributeValue(media.lines, "sctp-port");
  return {
    ufrag: valuesOf("ice_ufrag")[0],
    pwd: valuesOf("ice_pwd")[0],
    fingerprints: present(valuesOf("fingerprints").map((value) => loadFingerprint(value, setup))),
    candidates: [],
    remoteCandidates:
      present(attributeValues(media.lines, "remote-candidates").map(loadRemoteCandidates))[0] ?? [],
    gatheringComplete: attributeValue(media.lines, "end-of-candidates") !== undefined,
    sctp:
      port === undefined
        ? undefined
        : { number: port, protocol: "webrtc-datachannel", streams: "1024" },
  };
}

function present<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

// ---- Jingle to SDP -----------------------------------------------------------------------------

/** Whether we know what this content is about; a data channel may come without a description. */
export function isSupported(content: Content): boolean {
  return content.description?.kind !== "unknown";
}

/** Read a content as the section of `writer`'s SDP. Raises MalformedStanza. */
export function mediaOf(content: Content, mid: string, writer: Role): MediaDescription {
  const [head = "", ...standard] = standardLines(content, mid, writer);
  const rtp = content.description?.kind === "rtp";
  const line = mediaLine(head, content.residue, rtp);
  const lines = mergeResidue(standard, content.residue, { writer, rtp, formats: line.formats });
  return { ...line, lines: lines.map((line) => loadLine(line)) };
}

/** The residue's `m=` line may change port and protocol, but not what the description says. */
function mediaLine(
  standard: string,
  residue: readonly string[],
  rtp: boolean,
): Omit<MediaDescription, "lines"> {
  const ours = loadMediaLine(standard);
  const text = residue.find((line) => line.startsWith("m="));
  if (text === undefined) return ours;
  const theirs = residueMediaLine(text);
  const same = rtp
    ? theirs.kind === ours.kind && theirs.formats.join() === ours.formats.join() && !isData(theirs)
    : isData(theirs);
  if (!same) return ours;
  // A content is there, so its section is not refused.
  const refused = theirs.port === 0 && !residue.includes("a=bundle-only");
  return refused ? { ...theirs, port: ours.port } : theirs;
}

/** The lines that the standard elements alone give; the `m=` line first. */
function standardLines(content: Content, mid: string, writer: Role): string[] {
  const { description, senders, transport, residue } = content;
  const lines =
    description?.kind === "rtp" ? rtpLines(description.rtp, writer) : [DATA_LINE, CONNECTION];
  lines.push(`a=mid:${mid}`);
  if (senders !== undefined) lines.push(`a=${directionFor(senders, writer)}`);
  if (transport !== undefined) lines.push(...transportLines(transport, residue));
  return lines;
}

function rtpLines(rtp: RtpDescription, writer: Role): string[] {
  if (rtp.payloadTypes.length === 0)
    throw new MalformedStanza("a description has no payload types");
  const formats = rtp.payloadTypes.map(({ id }) => integer(id, "payload type", 0, 127));
  const lines = [`m=${token(rtp.media, "media")} 9 ${RTP_PROTO} ${formats.join(" ")}`, CONNECTION];
  for (const { type, value } of rtp.bandwidth) {
    lines.push(`b=${token(type, "bandwidth type")}:${token(value, "bandwidth")}`);
  }
  for (const extension of rtp.headerExtensions)
    lines.push(`a=extmap:${dumpExtmap(extension, writer)}`);
  if (rtp.extmapAllowMixed) lines.push("a=extmap-allow-mixed");
  if (rtp.rtcpMux) lines.push("a=rtcp-mux");
  for (const payloadType of rtp.payloadTypes)
    lines.push(...payloadTypeLines(payloadType, rtp.media));
  for (const feedback of rtp.feedback) lines.push(`a=rtcp-fb:${dumpFeedback("*", feedback)}`);
  for (const crypto of rtp.cryptos) lines.push(`a=crypto:${dumpCrypto(crypto)}`);
  if (rtp.categories.length > 0) lines.push(`a=content:${dumpCategories(rtp.categories)}`);
  lines.push(...packetTimes(rtp.payloadTypes), ...sourceLines(rtp));
  return lines;
}

function payloadTypeLines(payloadType: PayloadType, media: string): string[] {
  const { id, parameters, feedback } = payloadType;
  const lines: string[] = [];
  const map = dumpRtpmap(payloadType, media);
  if (map !== undefined) lines.push(`a=rtpmap:${map}`);
  const format = dumpFormatParameters(parameters);
  if (format !== "") lines.push(`a=fmtp:${id} ${format}`);
  for (const item of feedback) lines.push(`a=rtcp-fb:${dumpFeedback(id, item)}`);
  return lines;
}

function packetTimes(payloadTypes: readonly PayloadType[]): string[] {
  return (["ptime", "maxptime"] as const).flatMap((name) => {
    const value = payloadTypes.find((payloadType) => payloadType[name] !== undefined)?.[name];
    return value === undefined ? [] : [`a=${name}:${integer(value, name)}`];
  });
}

function sourceLines({ sources, sourceGroups }: RtpDescription): string[] {
  return [
    ...sourceGroups.map(({ semantics, ssrcs }) => {
      const members = ssrcs.map((ssrc) => integer(ssrc, "ssrc"));
      return `a=ssrc-group:${[token(semantics, "ssrc-group semantics"), ...members].join(" ")}`;
    }),
    ...sources.flatMap(({ ssrc, parameters }) =>
      parameters.map((parameter) => `a=ssrc:${dumpSource(ssrc, parameter)}`),
    ),
  ];
}

function transportLines(transport: IceUdpTransport, residue: readonly string[]): string[] {
  const { ufrag, pwd, fingerprints, remoteCandidates, gatheringComplete, sctp } = transport;
  const lines: string[] = [];
  if (ufrag !== undefined) lines.push(`a=ice-ufrag:${token(ufrag, "ufrag")}`);
  if (pwd !== undefined) lines.push(`a=ice-pwd:${token(pwd, "pwd")}`);
  for (const fingerprint of fingerprints)
    lines.push(`a=fingerprint:${dumpFingerprint(fingerprint)}`);
  const [setup, ...others] = new Set(fingerprints.map((fingerprint) => fingerprint.setup));
  if (others.length > 0) throw new MalformedStanza("the fingerprints of a content differ in setup");
  if (setup !== undefined) lines.push(`a=setup:${token(setup, "setup")}`);
  if (sctp !== undefined) lines.push(`a=sctp-port:${integer(sctp.number, "sctp port", 0, 65_535)}`);
  for (const candidate of fromWire(transport.candidates, residue)) {
    lines.push(`a=candidate:${dumpCandidate(candidate)}`);
  }
  if (remoteCandidates.length > 0) {
    lines.push(`a=remote-candidates:${dumpRemoteCandidates(remoteCandidates)}`);
  }
  if (gatheringComplete) lines.push("a=end-of-candidates");
  return lines;
}
