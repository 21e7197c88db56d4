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
  /** Unique in the session; has no place in SDP. */
  readonly id?: string | undefined;
  readonly foundation: string;
  readonly component: string;
  /** `udp` or `tcp`, in the case of the SDP that it came from. */
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

/** The candidate that the controlling side chose (§5.8). */
export interface RemoteCandidate {
  readonly component: string;
  readonly ip: string;
  readonly port: string;
}

export interface IceUdpTransport {
  readonly ufrag?: string | undefined;
  readonly pwd?: string | undefined;
  readonly fingerprints: readonly Fingerprint[];
  readonly candidates: readonly Candidate[];
  readonly remoteCandidates: readonly RemoteCandidate[];
  readonly gatheringComplete: boolean;
  readonly sctp?: SctpMap | undefined;
}

const xmlns = NS.iceUdp;

function parseCandidate({ attrs }: XmlElement): Candidate {
  return {
    id: attrs.id,
    foundation: attrs.foundation ?? "",
    component: attrs.component ?? "",
    protocol: attrs.protocol ?? "",
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

function buildCandidate({ relAddr, relPort, ...rest }: Candidate): XmlElement {
  return element("candidate", {
    attrs: { ...rest, network: "0", "rel-addr": relAddr, "rel-port": relPort },
  });
}

function parseRemoteCandidate({ attrs }: XmlElement): RemoteCandidate {
  const { component = "", ip = "", port = "" } = attrs;
  return { component, ip, port };
}

function buildRemoteCandidate({ component, ip, port }: RemoteCandidate): XmlElement {
  return element("remote-candidate", { attrs: { component, ip, port } });
}

/** Read `<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1'/>`. */
export function parseTransport(transport: XmlElement): IceUdpTransport {
  return {
    ufrag: transport.attrs.ufrag,
    pwd: transport.attrs.pwd,
    fingerprints: parseFingerprints(transport),
    candidates: boundedChildren(transport, "candidate", xmlns).map(parseCandidate),
    remoteCandidates: boundedChildren(transport, "remote-candidate", xmlns).map(
      parseRemoteCandidate,
    ),
    gatheringComplete: childOf(transport, "gathering-complete", xmlns) !== undefined,
    sctp: parseSctpMap(transport),
  };
}

export function buildTransport(transport: IceUdpTransport): XmlElement {
  const { ufrag, pwd, fingerprints, candidates, remoteCandidates, gatheringComplete, sctp } =
    transport;
  return element("transport", { xmlns, attrs: { ufrag, pwd } }, [
    ...fingerprints.map(buildFingerprint),
    sctp === undefined ? undefined : buildSctpMap(sctp),
    ...candidates.map(buildCandidate),
    ...remoteCandidates.map(buildRemoteCandidate),
    gatheringComplete ? element("gathering-complete") : undefined,
  ]);
}
