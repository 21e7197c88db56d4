/**
 * XEP-0294 1.1.2: RTP header extensions.
 * Deviation: `none` of `senders` is read as `/inactive` of SDP, for which the XEP has no word.
 */
import { element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";
import { optionalSenders, type Senders } from "./senders.ts";

export interface HeaderExtension {
  readonly id: string;
  readonly uri: string;
  /** Absent: not written, which means both. */
  readonly senders?: Senders | undefined;
  /** What follows the URI in SDP, word by word. */
  readonly parameters: readonly string[];
}

const xmlns = NS.headerExtension;

export function parseHeaderExtensions(description: XmlElement): HeaderExtension[] {
  return boundedChildren(description, "rtp-hdrext", xmlns).map((extension) => ({
    id: extension.attrs.id ?? "",
    uri: extension.attrs.uri ?? "",
    senders: optionalSenders(extension.attrs.senders),
    parameters: boundedChildren(extension, "parameter", xmlns).map(
      ({ attrs: { name = "", value } }) => (value === undefined ? name : `${name}=${value}`),
    ),
  }));
}

export function buildHeaderExtension(extension: HeaderExtension): XmlElement {
  const { id, uri, senders, parameters } = extension;
  return element(
    "rtp-hdrext",
    { xmlns, attrs: { id, uri, senders } },
    parameters.map((word) => {
      const equals = word.indexOf("=");
      const attrs =
        equals < 0
          ? { name: word }
          : { name: word.slice(0, equals), value: word.slice(equals + 1) };
      return element("parameter", { attrs });
    }),
  );
}
