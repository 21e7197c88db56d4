/** XEP-0343 0.3.1: the SCTP association of a data channel, in the transport. */
import { childOf, element, type XmlElement } from "../xml.ts";
import { NS } from "./namespaces.ts";

export interface SctpMap {
  readonly number: string;
  readonly protocol: string;
  readonly streams: string;
}

const xmlns = NS.sctp;

export function parseSctpMap(transport: XmlElement): SctpMap | undefined {
  const map = childOf(transport, "sctpmap", xmlns);
  if (map === undefined) return undefined;
  const { number = "", protocol = "", streams = "" } = map.attrs;
  return { number, protocol, streams };
}

export function buildSctpMap({ number, protocol, streams }: SctpMap): XmlElement {
  return element("sctpmap", { xmlns, attrs: { number, protocol, streams } });
}
