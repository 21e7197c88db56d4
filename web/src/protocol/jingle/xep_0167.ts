/**
 * XEP-0167 1.2.3: RTP sessions, with XEP-0293, 0294, 0339 and 0507 inside.
 * Deviations: a format parameter without `=` is `<parameter name='' value='0-15'/>`, as others write it.
 * `<encryption/>` (SDES) passes through the mapping only: no call uses its keys.
 */
import { childOf, element, textOf, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";
import { buildFeedback, parseFeedback, type RtcpFeedback } from "./xep_0293.ts";
import { buildHeaderExtension, type HeaderExtension, parseHeaderExtensions } from "./xep_0294.ts";
import {
  buildSource,
  buildSourceGroup,
  parseSourceGroups,
  parseSources,
  type Source,
  type SourceGroup,
} from "./xep_0339.ts";
import { buildCategory, parseCategories } from "./xep_0507.ts";

export interface Parameter {
  /** Empty for a bare token. */
  readonly name: string;
  readonly value: string;
}

export interface PayloadType {
  readonly id: string;
  readonly name?: string | undefined;
  /** Hz */
  readonly clockrate?: string | undefined;
  readonly channels?: string | undefined;
  /** ms */
  readonly ptime?: string | undefined;
  /** ms */
  readonly maxptime?: string | undefined;
  readonly parameters: readonly Parameter[];
  readonly feedback: readonly RtcpFeedback[];
}

export interface Bandwidth {
  /** `AS`, `TIAS` … */
  readonly type: string;
  readonly value: string;
}

/** One SDES key (§7, RFC 4568), which some clients send beside a DTLS fingerprint. */
export interface Crypto {
  readonly tag: string;
  readonly suite: string;
  readonly keyParams: string;
  readonly sessionParams?: string | undefined;
}

export interface RtpDescription {
  readonly media: string;
  readonly payloadTypes: readonly PayloadType[];
  /** Feedback for all payload types. */
  readonly feedback: readonly RtcpFeedback[];
  readonly headerExtensions: readonly HeaderExtension[];
  /** XEP-0294 §3: `<extmap-allow-mixed/>`. */
  readonly extmapAllowMixed: boolean;
  readonly rtcpMux: boolean;
  readonly bandwidth: readonly Bandwidth[];
  readonly sources: readonly Source[];
  readonly sourceGroups: readonly SourceGroup[];
  readonly cryptos: readonly Crypto[];
  /** XEP-0507. */
  readonly categories: readonly string[];
}

const xmlns = NS.rtp;

function parsePayloadType(payloadType: XmlElement): PayloadType {
  const { id = "", name, clockrate, channels, ptime, maxptime } = payloadType.attrs;
  return {
    id,
    name,
    clockrate,
    channels,
    ptime,
    maxptime,
    parameters: boundedChildren(payloadType, "parameter", xmlns).map(
      ({ attrs: { name = "", value = "" } }) => ({ name, value }),
    ),
    feedback: parseFeedback(payloadType),
  };
}

function buildPayloadType({ parameters, feedback, ...attrs }: PayloadType): XmlElement {
  return element("payload-type", { attrs }, [
    ...parameters.map(({ name, value }) => element("parameter", { attrs: { name, value } })),
    ...feedback.map(buildFeedback),
  ]);
}

function parseCryptos(description: XmlElement): Crypto[] {
  const encryption = childOf(description, "encryption", xmlns);
  if (encryption === undefined) return [];
  return boundedChildren(encryption, "crypto", xmlns).map(({ attrs }) => ({
    tag: attrs.tag ?? "",
    suite: attrs["crypto-suite"] ?? "",
    keyParams: attrs["key-params"] ?? "",
    sessionParams: attrs["session-params"],
  }));
}

function buildEncryption(cryptos: readonly Crypto[]): XmlElement | undefined {
  if (cryptos.length === 0) return undefined;
  const children = cryptos.map(({ tag, suite, keyParams, sessionParams }) => {
    const words = { "crypto-suite": suite, "key-params": keyParams };
    return element("crypto", { attrs: { tag, ...words, "session-params": sessionParams } });
  });
  return element("encryption", {}, children);
}

/** Read `<description xmlns='urn:xmpp:jingle:apps:rtp:1'/>`. */
export function parseRtpDescription(description: XmlElement): RtpDescription {
  return {
    media: description.attrs.media ?? "",
    payloadTypes: boundedChildren(description, "payload-type", xmlns).map(parsePayloadType),
    feedback: parseFeedback(description),
    headerExtensions: parseHeaderExtensions(description),
    extmapAllowMixed: childOf(description, "extmap-allow-mixed", NS.headerExtension) !== undefined,
    rtcpMux: childOf(description, "rtcp-mux", xmlns) !== undefined,
    bandwidth: boundedChildren(description, "bandwidth", xmlns).map((bandwidth) => ({
      type: bandwidth.attrs.type ?? "",
      value: textOf(bandwidth).trim(),
    })),
    sources: parseSources(description),
    sourceGroups: parseSourceGroups(description),
    cryptos: parseCryptos(description),
    categories: parseCategories(description),
  };
}

export function buildRtpDescription(description: RtpDescription): XmlElement {
  return element("description", { xmlns, attrs: { media: description.media } }, [
    ...description.payloadTypes.map(buildPayloadType),
    ...description.feedback.map(buildFeedback),
    ...description.headerExtensions.map(buildHeaderExtension),
    description.extmapAllowMixed
      ? element("extmap-allow-mixed", { xmlns: NS.headerExtension })
      : undefined,
    ...description.bandwidth.map(({ type, value }) =>
      element("bandwidth", { attrs: { type } }, [value]),
    ),
    buildEncryption(description.cryptos),
    description.rtcpMux ? element("rtcp-mux") : undefined,
    ...description.sources.map(buildSource),
    ...description.sourceGroups.map(buildSourceGroup),
    ...description.categories.map(buildCategory),
  ]);
}

/** XEP-0167 §8: what a session-info may tell. */
export type RtpInfo =
  | { readonly type: "active" | "hold" | "unhold" | "ringing" }
  | {
      readonly type: "mute" | "unmute";
      /** Content name; absent: the whole session. */
      readonly content?: string | undefined;
      readonly creator?: string | undefined;
    };

/** Read one payload of a session-info; `undefined` if we do not know it. */
export function parseRtpInfo(info: XmlElement): RtpInfo | undefined {
  if (info.xmlns !== NS.rtpInfo) return undefined;
  switch (info.name) {
    case "active":
    case "hold":
    case "unhold":
    case "ringing":
      return { type: info.name };
    case "mute":
    case "unmute":
      return { type: info.name, content: info.attrs.name, creator: info.attrs.creator };
    default:
      return undefined;
  }
}

export function buildRtpInfo(info: RtpInfo): XmlElement {
  const attrs = "content" in info ? { name: info.content, creator: info.creator } : {};
  return element(info.type, { xmlns: NS.rtpInfo, attrs });
}
