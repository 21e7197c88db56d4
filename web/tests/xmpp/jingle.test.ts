/** Stanzas find their session by (peer, sid); the rest gets the error of XEP-0166. */
import { expect, it } from "vitest";
import { MalformedStanza, UnknownSession } from "../../src/protocol/errors.ts";
import {
  buildJingle,
  type Jingle,
  jingle,
  parseJingle,
} from "../../src/protocol/jingle/xep_0166.ts";
import type { XmlElement } from "../../src/protocol/xml.ts";
import type { RequestHandler, XmppConnection } from "../../src/xmpp/connection.ts";
import { FEATURES } from "../../src/xmpp/disco.ts";
import { JingleRouter } from "../../src/xmpp/jingle.ts";

function setUp() {
  const handlers: RequestHandler[] = [];
  const sent: { to: string; jingle: Jingle }[] = [];
  const connection = {
    handle: (_xmlns: string, handler: RequestHandler) => handlers.push(handler),
    request: async (to: string, _type: string, payload: XmlElement) => {
      sent.push({ to, jingle: parseJingle(payload) });
      return payload;
    },
  };
  const router = new JingleRouter(connection as unknown as XmppConnection);
  const received: string[] = [];
  router.add("s1", {
    peer: "echo@b",
    receive: (stanza, from) => received.push(`${stanza.action} ${from}`),
  });
  const deliver = (from: string, stanza: Jingle) => handlers[0]?.(from, buildJingle(stanza));
  return { router, sent, received, deliver };
}

it("delivers to the session's call, whichever resource answers", () => {
  const { received, deliver } = setUp();
  deliver("echo@b", jingle("session-info", "s1"));
  deliver("echo@b/media", jingle("session-info", "s1"));
  expect(received).toEqual(["session-info echo@b", "session-info echo@b/media"]);
});

it("refuses a foreign sender, a foreign sid and a session that is over", () => {
  const { router, received, deliver } = setUp();
  expect(() => deliver("mallory@b", jingle("session-terminate", "s1"))).toThrow(UnknownSession);
  expect(() => deliver("echo@b", jingle("session-terminate", "s2"))).toThrow(UnknownSession);
  router.remove("s1");
  expect(() => deliver("echo@b", jingle("session-terminate", "s1"))).toThrow(UnknownSession);
  expect(received).toEqual([]);
});

it("acknowledges a call to this page and then declines it", async () => {
  const { sent, deliver } = setUp();
  deliver("bob@x/1", jingle("session-initiate", "s9"));
  expect(sent).toEqual([]);
  await Promise.resolve();
  expect(sent).toMatchObject([
    { to: "bob@x/1", jingle: { action: "session-terminate", reason: { condition: "decline" } } },
  ]);
});

it("refuses a session-initiate under a session id in use", () => {
  expect(() => setUp().deliver("bob@x/1", jingle("session-initiate", "s1"))).toThrow(
    MalformedStanza,
  );
});

it("announces what a caller looks for", () => {
  expect(FEATURES).toEqual(
    expect.arrayContaining([
      "urn:xmpp:jingle:1",
      "urn:xmpp:jingle:apps:rtp:1",
      "urn:xmpp:jingle:apps:rtp:audio",
      "urn:xmpp:jingle:apps:rtp:video",
      "urn:xmpp:jingle:transports:ice-udp:1",
      "urn:xmpp:jingle:apps:dtls:0",
      "urn:xmpp:jingle:apps:grouping:0",
    ]),
  );
});
