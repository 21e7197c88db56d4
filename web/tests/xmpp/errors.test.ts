import { expect, it } from "vitest";
import { MalformedStanza, UnknownSession } from "../../src/protocol/errors.ts";
import { isFrom } from "../../src/xmpp/jingle.ts";
import { buildError, requestFailed } from "../../src/xmpp/stanza-errors.ts";
import { parseXml, serialize } from "../vectors.ts";

it("writes the conditions of a refused IQ", () => {
  expect(serialize(buildError(new UnknownSession("").wire))).toBe(
    '<error type="cancel"><item-not-found xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/>' +
      '<unknown-session xmlns="urn:xmpp:jingle:errors:1"/></error>',
  );
  expect(serialize(buildError(new MalformedStanza("").wire))).toBe(
    '<error type="modify"><bad-request xmlns="urn:ietf:params:xml:ns:xmpp-stanzas"/></error>',
  );
});

it("reads an error with the other side's own text", () => {
  const error = requestFailed(
    parseXml(`<iq xmlns='jabber:client' type='error'><error type='wait'>
      <resource-constraint xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>
      <text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>50 calls at most</text>
      <unknown-session xmlns='urn:xmpp:jingle:errors:1'/></error></iq>`),
  );
  expect(error.condition).toBe("resource-constraint");
  expect(error.message).toBe("The other side is busy.");
  expect(error.detail).toBe("50 calls at most");
  expect(error.jingleCondition).toBe("unknown-session");
});

it("says when no answer came, and names a condition it does not know", () => {
  expect(requestFailed(undefined).condition).toBe("timeout");
  const strange = requestFailed(
    parseXml(`<iq xmlns='jabber:client'><error type='cancel'>
      <gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>`),
  );
  expect(strange.message).toContain("gone");
});

it("takes answers from the JID that was called and from its resources only", () => {
  expect(isFrom("echo@b", "echo@b")).toBe(true);
  expect(isFrom("echo@b/media", "echo@b")).toBe(true);
  expect(isFrom("echo@b/other", "echo@b/media")).toBe(false);
  expect(isFrom("echo@bad", "echo@b")).toBe(false);
  expect(isFrom("mallory@b", "echo@b")).toBe(false);
});
