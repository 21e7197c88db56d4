/**
 * The grammar of the attributes that have a Jingle element: each `load…` reads an SDP value into the
 * XEP's own type (`undefined`: not this grammar, so the line goes to the residue), each `dump…` writes
 * it from a peer's data and refuses what would not be one well-formed line (MalformedStanza).
 */
import { MalformedStanza } from "../errors.ts";
import type { Role } from "../jingle/senders.ts";
import { directionFor, sendersOf } from "../jingle/senders.ts";
import type { Crypto, Parameter, PayloadType } from "../jingle/xep_0167.ts";
import type { Candidate, RemoteCandidate } from "../jingle/xep_0176.ts";
import type { RtcpFeedback } from "../jingle/xep_0293.ts";
import type { HeaderExtension } from "../jingle/xep_0294.ts";
import type { Fingerprint } from "../jingle/xep_0320.ts";
import type { SourceParameter } from "../jingle/xep_0339.ts";
import { DIRECTIONS } from "./description.ts";
import { integer, singleLine, token } from "./text.ts";

const RTPMAP =
  /^(0|[1-9]\d{0,2}) ([A-Za-z0-9!#$%&'*+.^_`{|}~-]+)\/(0|[1-9]\d{0,9})(?:\/(0|[1-9]\d{0,2}))?$/;
const NUMBER = /^(?:0|[1-9]\d{0,9})$/;
const ADDRESS = /^[0-9A-Za-z.:%_-]{1,255}$/;
const CANDIDATE =
  /^([A-Za-z0-9+/]{1,32}) (0|[1-9]\d{0,2}) ([uU][dD][pP]|[tT][cC][pP]) (0|[1-9]\d{0,9}) ([0-9A-Za-z.:%_-]{1,255}) (0|[1-9]\d{0,4}) typ (host|srflx|prflx|relay)((?: \S+ \S+)*)$/;
/** Extension pairs of a candidate that XEP-0176 has attributes for. */
const PAIRS = new Set(["raddr", "rport", "tcptype", "generation"]);
const TCP_TYPES = new Set(["active", "passive", "so"]);
const REMOTE_CANDIDATE = /^([1-9]\d{0,2}) ([0-9A-Za-z.:%_-]{1,255}) (0|[1-9]\d{0,4})$/;
const CATEGORY = /^[A-Za-z0-9!#$%&'*+.^_`{|}~-]{1,64}$/;
const CRYPTO = /^(\S+) (\S+) (\S+)(?: (\S.*))?$/;
const SOURCE = /^(0|[1-9]\d{0,9}) ([^\s:]+)(?::(.*))?$/;
const EXTMAP = /^([1-9]\d{0,3})(?:\/(sendrecv|sendonly|recvonly|inactive))? (\S+)(?: (.+))?$/;
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
  if (!isExtensionId(Number(id))) return undefined;
  // XEP-0294 has no word for inactive: the line goes to the residue as well.
  const isSaid = direction !== undefined && direction !== "inactive";
  const senders = isSaid ? sendersOf(direction, writer) : undefined;
  return { id, uri, senders, parameters: words(rest) };
}

/** RFC 8285 §6: local ids, or those of an offer that has more than fit. */
function isExtensionId(id: number): boolean {
  return (id > 0 && id <= 256) || (id >= 4096 && id <= 4351);
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

/** A candidate with the extension pairs of SDP that XEP-0176 has no attribute for. */
export interface CandidateLine extends Candidate {
  readonly extensions: readonly (readonly [name: string, value: string])[];
}

/** RFC 8839 §5.1, without `candidate:`. */
export function loadCandidate(value: string): CandidateLine | undefined {
  const match = CANDIDATE.exec(value);
  if (!match) return undefined;
  const [, foundation = "", component = "", protocol = "", priority = "", ip = "", port = ""] =
    match;
  const [type = "", rest = ""] = match.slice(7);
  const known = new Map<string, string>();
  const extensions: [string, string][] = [];
  for (const [name, text] of pairsOf(words(rest))) {
    const isAttribute = PAIRS.has(name) && (name !== "raddr" || ADDRESS.test(text));
    if (isAttribute && !known.has(name)) known.set(name, text);
    else extensions.push([name, text]);
  }
  const candidate: CandidateLine = {
    foundation,
    component,
    protocol,
    priority,
    ip,
    port,
    type,
    relAddr: known.get("raddr"),
    relPort: known.get("rport"),
    tcptype: known.get("tcptype"),
    generation: known.get("generation"),
    extensions,
  };
  return isSayable(candidate) ? candidate : undefined;
}

/** Whether XEP-0176's attributes allow these values (§5.3; `tcptype` as in XEP-0371 §5.2). */
function isSayable(candidate: CandidateLine): boolean {
  const { component, priority, port, relPort = "0", generation = "0", tcptype } = candidate;
  return (
    isBetween(component, 1, 256) &&
    isBetween(priority, 1, 0xffff_ffff) &&
    isBetween(port, 0, 65_535) &&
    isBetween(relPort, 0, 65_535) &&
    isBetween(generation, 0, 255) &&
    (tcptype === undefined || TCP_TYPES.has(tcptype))
  );
}

function isBetween(value: string, minimum: number, maximum: number): boolean {
  return NUMBER.test(value) && Number(value) >= minimum && Number(value) <= maximum;
}

/** Words two by two; a last one without a partner is left out. */
export function pairsOf(list: readonly string[]): [string, string][] {
  return list.flatMap((word, at): [string, string][] => {
    const next = list[at + 1];
    return at % 2 === 0 && next !== undefined ? [[word, next]] : [];
  });
}

export function dumpCandidate(candidate: CandidateLine): string {
  const { relAddr, relPort, tcptype, generation, extensions } = candidate;
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
  for (const pair of extensions) {
    parts.push(...pair.map((word) => token(word, "candidate extension")));
  }
  return parts.join(" ");
}

/** RFC 8839 §5.2: component, address and port, again and again. */
export function loadRemoteCandidates(value: string): RemoteCandidate[] | undefined {
  const found: RemoteCandidate[] = [];
  for (const part of value.match(/[^ ]+ [^ ]+ [^ ]+/g) ?? []) {
    const [, component = "", ip = "", port = ""] = REMOTE_CANDIDATE.exec(part) ?? [];
    if (!isBetween(component, 1, 256) || !isBetween(port, 0, 65_535)) return undefined;
    found.push({ component, ip, port });
  }
  const text = found.map(({ component, ip, port }) => `${component} ${ip} ${port}`).join(" ");
  return found.length > 0 && text === value ? found : undefined;
}

export function dumpRemoteCandidates(chosen: readonly RemoteCandidate[]): string {
  return chosen
    .flatMap(({ component, ip, port }) => [
      integer(component, "remote-candidate component", 1, 256),
      token(ip, "remote-candidate ip"),
      integer(port, "remote-candidate port", 0, 65_535),
    ])
    .join(" ");
}

/** RFC 4796 §5. */
export function loadCategories(value: string): string[] | undefined {
  const names = value.split(",");
  return names.every((name) => CATEGORY.test(name)) ? names : undefined;
}

export function dumpCategories(names: readonly string[]): string {
  for (const name of names) {
    if (!CATEGORY.test(name)) throw new MalformedStanza("a category is not a token");
  }
  return names.join(",");
}

/** RFC 4568 §9.1. */
export function loadCrypto(value: string): Crypto | undefined {
  const match = CRYPTO.exec(value);
  if (!match) return undefined;
  const [, tag = "", suite = "", keyParams = "", sessionParams] = match;
  return { tag, suite, keyParams, sessionParams };
}

export function dumpCrypto({ tag, suite, keyParams, sessionParams }: Crypto): string {
  const parts = [tag, suite, keyParams].map((part) => token(part, "crypto"));
  if (sessionParams) parts.push(singleLine(sessionParams, "crypto session-params"));
  return parts.join(" ");
}

/** RFC 5576 §4.1: one parameter of a source. */
export function loadSource(
  value: string,
): { readonly ssrc: string; readonly parameter: SourceParameter } | undefined {
  const match = SOURCE.exec(value);
  if (!match || !isBetween(match[1] ?? "", 0, 0xffff_ffff)) return undefined;
  const [, ssrc = "", name = "", text] = match;
  return { ssrc, parameter: { name, value: text } };
}

export function dumpSource(ssrc: string, { name, value }: SourceParameter): string {
  const head = `${integer(ssrc, "ssrc")} ${token(name, "source parameter")}`;
  return value === undefined ? head : `${head}:${singleLine(value, "source parameter")}`;
}

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}
