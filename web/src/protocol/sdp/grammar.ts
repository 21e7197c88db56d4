/**
 * The grammar of the attributes that have a Jingle element: each `load…` reads an SDP value into the
 * XEP's own type (`undefined`: not this grammar, so the line goes to the residue), each `dump…` writes
 * it from a peer's data and refuses what would not be one well-formed line (MalformedStanza).
 */
import type { Role } from "../jingle/senders.ts";
import { directionFor, sendersOf } from "../jingle/senders.ts";
import type { Parameter, PayloadType } from "../jingle/xep_0167.ts";
import type { Candidate } from "../jingle/xep_0176.ts";
import type { RtcpFeedback } from "../jingle/xep_0293.ts";
import type { HeaderExtension } from "../jingle/xep_0294.ts";
import type { Fingerprint } from "../jingle/xep_0320.ts";
import { DIRECTIONS } from "./description.ts";
import { integer, singleLine, token } from "./text.ts";

const RTPMAP = /^(\d+) ([^\s/]+)\/(\d+)(?:\/(\d+))?$/;
const CANDIDATE =
  /^(\S+) (\d+) (\S+) (\d+) (\S+) (\d+) typ (\S+)(?: raddr (\S+))?(?: rport (\d+))?((?: \S+ \S+)*)$/;
const EXTMAP = /^(\d+)(?:\/(\w+))? (\S+)((?: \S+)*)$/;
const FEEDBACK = /^(\d+|\*) (\S+)(?: (\S+))?((?: \S+)*)$/;
const FINGERPRINT = /^(\S+) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2})*)$/;

/** RFC 8866 §6.6. */
export function loadRtpmap(
  value: string,
): Pick<PayloadType, "id" | "name" | "clockrate" | "channels"> | undefined {
  const match = RTPMAP.exec(value);
  if (!match) return undefined;
  const [, id = "", name, clockrate, channels] = match;
  return { id, name, clockrate, channels };
}

/** `undefined` for a static payload type that says nothing but its number. */
export function dumpRtpmap(payloadType: PayloadType, media: string): string | undefined {
  const { id, name, clockrate, channels } = payloadType;
  if (name === undefined || clockrate === undefined) return undefined;
  const head = `${id} ${token(name, "codec name")}/${integer(clockrate, "clockrate")}`;
  // RFC 8866 §6.6: channels belong to audio; some clients write channels='1' on video.
  if (channels === undefined || (channels === "1" && media !== "audio")) return head;
  return `${head}/${integer(channels, "channels", 1, 255)}`;
}

/** `a=1;b=2;0-15` as XEP-0167 parameters; a bare token has an empty name. */
export function loadFormatParameters(value: string): Parameter[] {
  return value
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part) => {
      const equals = part.indexOf("=");
      return equals < 1
        ? { name: "", value: part }
        : { name: part.slice(0, equals), value: part.slice(equals + 1) };
    });
}

export function dumpFormatParameters(parameters: readonly Parameter[]): string {
  return parameters
    .map(({ name, value }) => {
      singleLine(name, "parameter name");
      singleLine(value, "parameter value");
      // stanza writes a bare token as a name without a value.
      if (name === "" || value === "") return name || value;
      return `${name}=${value}`;
    })
    .filter((part) => part !== "")
    .join(";");
}

/** RFC 4585 §4.2; `id` is a payload type or `*`. */
export function loadFeedback(
  value: string,
): { readonly id: string; readonly feedback: RtcpFeedback } | undefined {
  const match = FEEDBACK.exec(value);
  if (!match) return undefined;
  const [, id = "", type = "", subtype, rest = ""] = match;
  return { id, feedback: { type, subtype, parameters: words(rest) } };
}

export function dumpFeedback(id: string, { type, subtype, parameters }: RtcpFeedback): string {
  const parts = [type, ...(subtype ? [subtype] : []), ...parameters];
  return [id, ...parts.map((part) => token(part, "rtcp-fb"))].join(" ");
}

/** RFC 8285 §8; `writer` is the role of the side that wrote the SDP. */
export function loadExtmap(value: string, writer: Role): HeaderExtension | undefined {
  const match = EXTMAP.exec(value);
  if (!match) return undefined;
  const [, id = "", word, uri = "", rest = ""] = match;
  const direction = DIRECTIONS.find((known) => known === word);
  // XEP-0294 has no word for inactive.
  if ((word !== undefined && direction === undefined) || direction === "inactive") return undefined;
  const senders = direction === undefined ? undefined : sendersOf(direction, writer);
  return { id, uri, senders, parameters: words(rest) };
}

export function dumpExtmap(extension: HeaderExtension, writer: Role): string {
  const { id, uri, senders, parameters } = extension;
  const number = integer(id, "rtp-hdrext id", 1, 65_535);
  const head = senders === undefined ? number : `${number}/${directionFor(senders, writer)}`;
  return [
    head,
    token(uri, "rtp-hdrext uri"),
    ...parameters.map((word) => token(word, "rtp-hdrext")),
  ].join(" ");
}

/** RFC 8122 §5. `setup` comes from its own line. */
export function loadFingerprint(value: string, setup: string | undefined): Fingerprint | undefined {
  const match = FINGERPRINT.exec(value);
  return match ? { hash: match[1] ?? "", value: match[2] ?? "", setup } : undefined;
}

export function dumpFingerprint({ hash, value }: Fingerprint): string {
  return `${token(hash, "fingerprint hash")} ${token(value, "fingerprint")}`;
}

/** RFC 8839 §5.1, without `candidate:`. Extensions that XEP-0176 has no attribute for are left out. */
export function loadCandidate(value: string): Candidate | undefined {
  const match = CANDIDATE.exec(value);
  if (!match) return undefined;
  const [, foundation = "", component = "", protocol = "", priority = "", ip = "", port = ""] =
    match;
  const [type = "", relAddr, relPort, rest = ""] = match.slice(7);
  const extensions = words(rest);
  const extension = (name: string) => {
    const index = extensions.findIndex((word, at) => at % 2 === 0 && word === name);
    return index < 0 ? undefined : extensions[index + 1];
  };
  return {
    foundation,
    component,
    protocol: protocol.toLowerCase(),
    priority,
    ip,
    port,
    type,
    relAddr,
    relPort,
    tcptype: extension("tcptype"),
    generation: extension("generation"),
  };
}

export function dumpCandidate(candidate: Candidate): string {
  const { relAddr, relPort, tcptype, generation } = candidate;
  const parts: (string | number)[] = [
    token(candidate.foundation, "candidate foundation"),
    integer(candidate.component, "candidate component", 1, 256),
    token(candidate.protocol, "candidate protocol"),
    integer(candidate.priority, "candidate priority"),
    token(candidate.ip, "candidate ip"),
    integer(candidate.port, "candidate port", 0, 65_535),
    "typ",
    token(candidate.type, "candidate type"),
  ];
  if (relAddr !== undefined) parts.push("raddr", token(relAddr, "candidate rel-addr"));
  if (relPort !== undefined) parts.push("rport", integer(relPort, "candidate rel-port", 0, 65_535));
  if (tcptype !== undefined) parts.push("tcptype", token(tcptype, "candidate tcptype"));
  if (generation !== undefined) parts.push("generation", integer(generation, "generation"));
  return parts.join(" ");
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
