/** Stanza errors (RFC 6120 §8.3) to and from elements, and in words. */
import type { WireError } from "../protocol/errors.ts";
import { NS } from "../protocol/jingle/namespaces.ts";
import { element, elements, textOf, type XmlElement } from "../protocol/xml.ts";
import { RequestFailed } from "./errors.ts";

const STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas";

/** `<error/>` for an IQ that we refuse. */
export function buildError({ type, condition, jingleCondition }: WireError): XmlElement {
  return element("error", { attrs: { type } }, [
    element(condition, { xmlns: STANZAS }),
    jingleCondition === undefined
      ? undefined
      : element(jingleCondition, { xmlns: NS.jingleErrors }),
  ]);
}

const CALL_LATER = "Try again in a moment.";
const CHECK_ADDRESS = "Check the address and try again.";

const WORDS: Readonly<Record<string, readonly [text: string, remedy: string]>> = {
  "service-unavailable": ["Nobody answers at this address.", CHECK_ADDRESS],
  "item-not-found": ["Nobody is known under this address.", CHECK_ADDRESS],
  "recipient-unavailable": ["The other side is not online.", CALL_LATER],
  "remote-server-not-found": ["The server of this address was not found.", CHECK_ADDRESS],
  "remote-server-timeout": ["The server of this address does not answer.", CALL_LATER],
  "jid-malformed": ["This is not an XMPP address.", "Addresses look like echo@bridge.example.org."],
  "feature-not-implemented": ["The other side cannot take calls of this kind.", CHECK_ADDRESS],
  forbidden: ["You may not call this address.", "Sign in with another account."],
  "not-allowed": ["You may not call this address.", "Sign in with another account."],
  "not-authorized": ["You may not call this address.", "Sign in with another account."],
  "resource-constraint": ["The other side is busy.", CALL_LATER],
  "policy-violation": ["The server refused the request: too much at once.", CALL_LATER],
  timeout: ["The other side did not answer in time.", CALL_LATER],
};

/** What came back instead of a result, for people; with the other side's own text. */
export function requestFailed(iq: XmlElement | undefined): RequestFailed {
  const error = iq && elements(iq).find((child) => child.name === "error");
  const parts = error === undefined ? [] : elements(error);
  const condition =
    parts.find((part) => part.xmlns === STANZAS && part.name !== "text")?.name ??
    (iq === undefined ? "timeout" : "undefined-condition");
  const text = parts.find((part) => part.xmlns === STANZAS && part.name === "text");
  const jingle = parts.find((part) => part.xmlns === NS.jingleErrors);
  const [words, remedy] = WORDS[condition] ?? [`The call was refused (${condition}).`, CALL_LATER];
  const detail = text === undefined ? "" : textOf(text).trim().slice(0, 300);
  return new RequestFailed(condition, words, remedy, {
    ...(detail === "" ? {} : { detail }),
    jingleCondition: jingle?.name,
  });
}
