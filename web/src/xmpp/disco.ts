/** What we tell others about ourselves: XEP-0030 information and XEP-0199 pings. */
import { NS } from "../protocol/jingle/namespaces.ts";
import { element } from "../protocol/xml.ts";
import type { XmppConnection } from "./connection.ts";

const DISCO_INFO = "http://jabber.org/protocol/disco#info";
const DISCO_ITEMS = "http://jabber.org/protocol/disco#items";
const PING = "urn:xmpp:ping";

export const FEATURES: readonly string[] = [
  DISCO_INFO,
  PING,
  NS.jingle,
  NS.rtp,
  "urn:xmpp:jingle:apps:rtp:audio",
  "urn:xmpp:jingle:apps:rtp:video",
  NS.rtcpFeedback,
  NS.headerExtension,
  NS.sources,
  NS.iceUdp,
  NS.dtls,
  NS.grouping,
  NS.residue,
  // XEP-0338 §3 and XEP-0339 §4 name these beside their namespaces.
  "urn:ietf:rfc:5888",
  "urn:ietf:rfc:5576",
].toSorted();

/** Answer disco and ping on this connection. */
export function answerDisco(connection: XmppConnection): void {
  connection.handle(DISCO_INFO, (_from, query) =>
    element("query", { xmlns: DISCO_INFO, attrs: { node: query.attrs.node } }, [
      element("identity", {
        attrs: { category: "client", type: "web", name: "jinglebridge" },
      }),
      ...FEATURES.map((feature) => element("feature", { attrs: { var: feature } })),
    ]),
  );
  connection.handle(DISCO_ITEMS, () => element("query", { xmlns: DISCO_ITEMS }));
  connection.handle(PING, () => undefined);
}
