/**
 * XEP-0176 1.1.1: the ICE transport and its candidates.
 * Deviations: `tcptype` as other clients write it; `<gathering-complete/>` of XEP-0371 in this
 * namespace, the only end-of-candidates that exists for ice-udp:1.
 */
import { childOf, element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";
import { buildFingerprint, type Fingerprint, parseFingerprints } from "./xep_0320.ts";
import { buildSctpMap, parseSctpMap, type SctpMap } from "./xep_0343.ts";

export interface Candidate {
  readonly foundation: string;
  readonly component: string;
  /** `udp` or `tcp`, lower case. */
  readonly protocol: string;
  readonly priority: string;
  /** IPv4, IPv6 or a `.local` name. */
  readonly ip: string;
  readonly port: string;
  readonly type: string;
  readonly relAddr?: string | undefined;
  readonly relPort?: string | undefined;
  readonly tcptype?: string | undefined;
  readonly generation?: string | undefined;
}

export interface IceUdpTransport {
  readonly ufrag?: string | undefined;
  readonly pwd?: string | undefined;
  readonly fingerprints: readonly Fingerprint[];
  readonly candidates: readonly Candidate[];
  readonly gatheringComplete: boolean;
  readonly sctp?: SctpMap | undefined;
}

const xmlns = NS.iceUdp;

function parseCandidate({ attrs }: XmlElement): Candidate {
  return {
    foundation: attrs.foundation ?? "",
    component: attrs.component ?? "",
    protocol: (attrs.protocol ?? "").toLowerCase(),
    priority: attrs.priority ?? "",
    ip: attrs.ip ?? "",
    port: attrs.port ?? "",
    type: attrs.type ?? "host",
    relAddr: attrs["rel-addr"],
    relPort: attrs["rel-port"],
    tcptype: attrs.tcptype,
    generation: attrs.generation,
  };
}

function buildCandidate(candidate: Candidate, index: number): XmlElement {
  const { relAddr, relPort, foundation, component, ...rest } = candidate;
  // XEP-0176 §5.3: an id unique in the session; these parts are what makes a candidate one.
  const id = `c${component}-${foundation.replace(/[^A-Za-z0-9]/g, "")}-${rest.port}-${index}`;
  return element("candidate", {
    attrs: {
      ...rest,
      foundation,
      component,
      id,
      network: "0",
      "rel-addr": relAddr,
      "rel-port": relPort,
    },
  });
}

/** Read `<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>`. */
export function parseTransport(transport: XmlElement): IceUdpTransport {
  return {
    ufrag: transport.attrs.ufrag,
    pwd: transport.attrs.pwd,
    fingerprints: parseFingerprints(transport),
    candidates: boundedChildren(transport, "candidate", xmlns).map(parseCandidate),
    gatheringComplete: childOf(transport, "gathering-complete", xmlns) !== undefined,
    sctp: parseSctpMap(transport),
  };
}

export function buildTransport(transport: IceUdpTransport): XmlElement {
  const { ufrag, pwd, fingerprints, candidates, gatheringComplete, sctp } = transport;
  return element("transport", { xmlns, attrs: { ufrag, pwd } }, [
    ...fingerprints.map(buildFingerprint),
    sctp === undefined ? undefined : buildSctpMap(sctp),
    ...candidates.map(buildCandidate),
    gatheringComplete ? element("gathering-complete") : undefined,
  ]);
}
