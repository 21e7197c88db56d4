/** What SDP text says, typed; the leaves are those of the Jingle modules (see grammar.ts). */

export interface SdpLine {
  /** The letter before `=`. */
  readonly type: string;
  /** Attribute name; empty unless `type` is `a`. */
  readonly name: string;
  /** `undefined` for an attribute that is a mere flag. */
  readonly value: string | undefined;
}

export interface MediaDescription {
  /** audio, video, application … */
  readonly kind: string;
  readonly port: number;
  /** The `/n` after the port, if written. */
  readonly portCount?: number;
  readonly proto: string;
  readonly formats: readonly string[];
  readonly lines: readonly SdpLine[];
}

export interface SessionDescription {
  readonly session: readonly SdpLine[];
  readonly media: readonly MediaDescription[];
}

/** RFC 9429 §3.2: an answer may only ever be read against the offer it answers. */
export interface Offer {
  readonly type: "offer";
  readonly description: SessionDescription;
}

export interface Answer {
  readonly type: "answer";
  readonly description: SessionDescription;
}

/** Values of every `a=name:` line; a flag gives the empty string. */
export function attributeValues(lines: readonly SdpLine[], name: string): string[] {
  return lines
    .filter((line) => line.type === "a" && line.name === name)
    .map((line) => line.value ?? "");
}

/** Value of the first `a=name` line. */
export function attributeValue(lines: readonly SdpLine[], name: string): string | undefined {
  return attributeValues(lines, name)[0];
}

/** Port 0 means refused or stopped, unless the section is bundle-only (RFC 9143 §6). */
export function isRejected(media: MediaDescription): boolean {
  return media.port === 0 && attributeValue(media.lines, "bundle-only") === undefined;
}

/** Whether the section carries a data channel (RFC 8841). */
export function isData(media: Pick<MediaDescription, "proto">): boolean {
  return media.proto.endsWith("DTLS/SCTP");
}

export const DIRECTIONS = ["sendrecv", "sendonly", "recvonly", "inactive"] as const;
export type Direction = (typeof DIRECTIONS)[number];

/** The direction written in these lines, if any. */
export function directionOf(lines: readonly SdpLine[]): Direction | undefined {
  return DIRECTIONS.find((direction) => attributeValue(lines, direction) !== undefined);
}
