/** XEP-0320 1.0.0: DTLS fingerprints in the transport. */
import { element, textOf, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";

export interface Fingerprint {
  /** Hash name as written, `sha-256`. */
  readonly hash: string;
  /** Hexadecimal bytes with colons, as written. */
  readonly value: string;
  /** `actpass`, `active`, `passive` or `holdconn`; one value a transport. */
  readonly setup?: string | undefined;
}

const xmlns = NS.dtls;

export function parseFingerprints(transport: XmlElement): Fingerprint[] {
  return boundedChildren(transport, "fingerprint", xmlns).map((fingerprint) => ({
    hash: fingerprint.attrs.hash ?? "",
    value: textOf(fingerprint).trim(),
    setup: fingerprint.attrs.setup,
  }));
}

export function buildFingerprint({ hash, value, setup }: Fingerprint): XmlElement {
  return element("fingerprint", { xmlns, attrs: { hash, setup } }, [value]);
}
