/**
 * What no XEP can say. The residue of a section is computed, not listed: the lines that reading the
 * standard elements back does not give. So an attribute nobody has heard of survives, and nothing is
 * said twice.
 */

import { MalformedStanza, SdpError } from "../errors.ts";
import type { Role } from "../jingle/senders.ts";
import type { MediaDescription, SdpLine } from "../sdp/description.ts";
import {
  dumpExtmap,
  dumpFeedback,
  dumpFormatParameters,
  loadCategories,
  loadCrypto,
  loadExtmap,
  loadFeedback,
  loadFormatParameters,
  loadRemoteCandidates,
  loadRtpmap,
  loadSource,
} from "../sdp/grammar.ts";
import { attribute, dumpLine, loadLine, loadMediaLine } from "../sdp/text.ts";
import { exactCandidate } from "./extensions.ts";

/** Whether a line is ours, not SDP's; those that nobody knows mean nothing. */
export function isOurs(line: string): boolean {
  return line.startsWith("~");
}

/** Lines of `wanted` that `given` lacks, counting repetitions. */
export function missingLines(wanted: readonly string[], given: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of given) counts.set(line, (counts.get(line) ?? 0) + 1);
  return wanted.filter((line) => {
    const count = counts.get(line) ?? 0;
    counts.set(line, count - 1);
    return count <= 0;
  });
}

type Normal = (value: string, writer: Role) => string | undefined;

/**
 * Attributes that standard elements speak for: how a line looks after a journey through them, or
 * `undefined` if they cannot carry it. Names without a function are carried whole or not at all.
 */
const SPOKEN_FOR: Readonly<Record<string, Normal>> = {
  candidate: (value) => exactCandidate(value) && value,
  content: (value) => loadCategories(value) && value,
  crypto: (value) => loadCrypto(value) && value,
  "end-of-candidates": whole,
  extmap: (value, writer) => {
    const extension = loadExtmap(value, writer);
    return extension && dumpExtmap(extension, writer);
  },
  fmtp: (value) => {
    const [id = "", ...rest] = value.split(" ");
    return `${id} ${dumpFormatParameters(loadFormatParameters(rest.join(" ")))}`;
  },
  rtpmap: (value) => {
    const map = loadRtpmap(value);
    // `/1` on video is not written into SDP, so both spellings are the same line.
    return map && `${map.id} ${map.name}/${map.clockrate}${channelsOf(map.channels)}`;
  },
  "rtcp-fb": (value) => {
    const line = loadFeedback(value);
    return line && dumpFeedback(line.id, line.feedback);
  },
  "remote-candidates": (value) => loadRemoteCandidates(value) && value,
  ssrc: (value) => loadSource(value) && value,
  "extmap-allow-mixed": whole,
  fingerprint: whole,
  "ice-pwd": whole,
  "ice-ufrag": whole,
  inactive: whole,
  maxptime: whole,
  mid: whole,
  ptime: whole,
  recvonly: whole,
  "rtcp-mux": whole,
  "sctp-port": whole,
  sendonly: whole,
  sendrecv: whole,
  setup: whole,
  "ssrc-group": whole,
};

/** Only an RTP description has elements for these. */
const RTP_ONLY = new Set([
  "content",
  "crypto",
  "extmap",
  "extmap-allow-mixed",
  "fmtp",
  "maxptime",
  "ptime",
  "rtcp-fb",
  "rtcp-mux",
  "rtpmap",
  "ssrc",
  "ssrc-group",
]);

const PER_FORMAT = new Set(["fmtp", "rtcp-fb", "rtpmap"]);

function namesFormat(value: string | undefined, formats: readonly string[]): boolean {
  const format = value?.split(" ", 1)[0] ?? "";
  return format === "*" || formats.includes(format);
}

/** What says which lines the section's elements could have carried. */
export interface ResidueContext {
  readonly writer: Role;
  readonly rtp: boolean;
  /** The payload types; Firefox also writes feedback for others. */
  readonly formats: readonly string[];
}

function whole(value: string): string {
  return value;
}

function channelsOf(channels: string | undefined): string {
  return channels === undefined || channels === "1" ? "" : `/${channels}`;
}

function normal(line: SdpLine, { writer, rtp, formats }: ResidueContext): string | undefined {
  if (line.type === "b" && rtp) return dumpLine(line);
  if (line.type !== "a" || !Object.hasOwn(SPOKEN_FOR, line.name)) return undefined;
  if (!rtp && RTP_ONLY.has(line.name)) return undefined;
  if (PER_FORMAT.has(line.name) && !namesFormat(line.value, formats)) return undefined;
  const value = SPOKEN_FOR[line.name]?.(line.value ?? "", writer);
  return value === undefined ? undefined : dumpLine(attribute(line.name, value || undefined));
}

/**
 * Put a residue's lines among those that came from standard elements. A line of an attribute that
 * standard elements speak for only replaces its own equivalent (another spelling); it never adds
 * to or contradicts them.
 */
export function mergeResidue(
  standard: readonly string[],
  residue: readonly string[],
  context: ResidueContext,
): string[] {
  const lines = [...standard];
  const replaced = new Set<number>();
  for (const text of residue.filter((line) => !isOurs(line))) {
    const line = residueLine(text);
    if (line.type === "m" || line.type === "v") continue;
    if (line.type === "c") {
      const index = lines.findIndex((other) => other.startsWith("c="));
      if (index >= 0) lines.splice(index, 1, text);
      continue;
    }
    if (isNeverAdded(line) || saysCodecAgain(line, standard)) continue;
    const wanted = normal(line, context);
    if (wanted === undefined || isLoneSetup(line, standard)) {
      lines.push(text);
      continue;
    }
    const index = lines.findIndex(
      (other, at) => !replaced.has(at) && normal(loadLine(other), context) === wanted,
    );
    if (index < 0) continue;
    lines[index] = text;
    replaced.add(index);
  }
  return lines;
}

/** A mark for bridges, which goes no further. */
function isNeverAdded({ type, name }: SdpLine): boolean {
  return type === "a" && name === "x-jingle";
}

/** A second name for a codec, not of the form of one: browsers may take the last of two. */
function saysCodecAgain({ type, name, value = "" }: SdpLine, standard: readonly string[]): boolean {
  if (type !== "a" || name !== "rtpmap" || loadRtpmap(value) !== undefined) return false;
  const format = value.split(" ", 1)[0] ?? "";
  return standard.some((line) => line.startsWith(`a=rtpmap:${format} `));
}

/** XEP-0320 has `setup` on fingerprints only. */
function isLoneSetup({ type, name }: SdpLine, standard: readonly string[]): boolean {
  const isSetup = type === "a" && name === "setup";
  return isSetup && !standard.some((line) => line.startsWith("a=fingerprint:"));
}

/** One line of a peer's residue. Raises MalformedStanza. */
export function residueLine(text: string): SdpLine {
  return fromPeer(() => loadLine(text));
}

/** The `m=` line of a peer's residue. Raises MalformedStanza. */
export function residueMediaLine(text: string): Omit<MediaDescription, "lines"> {
  return fromPeer(() => loadMediaLine(text));
}

function fromPeer<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof SdpError) throw new MalformedStanza("a residue line is not SDP");
    throw error;
  }
}
