export const NS = {
  jingle: "urn:xmpp:jingle:1",
  jingleErrors: "urn:xmpp:jingle:errors:1",
  rtp: "urn:xmpp:jingle:apps:rtp:1",
  rtpInfo: "urn:xmpp:jingle:apps:rtp:info:1",
  rtcpFeedback: "urn:xmpp:jingle:apps:rtp:rtcp-fb:0",
  headerExtension: "urn:xmpp:jingle:apps:rtp:rtp-hdrext:0",
  sources: "urn:xmpp:jingle:apps:rtp:ssma:0",
  grouping: "urn:xmpp:jingle:apps:grouping:0",
  category: "urn:xmpp:jingle:apps:category:0",
  iceUdp: "urn:xmpp:jingle:transports:ice-udp:1",
  dtls: "urn:xmpp:jingle:apps:dtls:0",
  sctp: "urn:xmpp:jingle:transports:dtls-sctp:1",
  /** A data channel has no application format of its own in any XEP. */
  dataChannel: "urn:jinglebridge:datachannel:0",
  residue: "urn:jinglebridge:sdp:0",
} as const;
