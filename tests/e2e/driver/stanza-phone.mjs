/** A phone on the npm package stanza, for a page of the tests: `window.phone`. */

import { createClient } from "stanza";

const SETTLE_MS = 50;

class Phone {
  constructor(client) {
    this.client = client;
    this.session = null;
    /** The full JID of a service whose presence has come. */
    this.available = new Map();
    this.ended = null;
    this.states = [];
    this.log = [];
    client.on("available", ({ from, legacyCapabilities }) => {
      this.available.set(from.split("/")[0], { from, capabilities: legacyCapabilities ?? [] });
    });
    client.on("jingle:terminated", (session, reason) => {
      if (session === this.session) {
        this.ended = reason?.condition ?? "none";
      }
    });
    client.on("jingle:log", (level, ...words) => {
      if (level === "error") {
        this.log.push(words.map(String).join(" "));
      }
    });
  }

  /** Asks for the presence of a service, and for what it can do. */
  async find(service) {
    this.client.sendPresence({ to: service, type: "probe" });
    while (!this.available.has(service)) {
      await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    }
    const { from } = this.available.get(service);
    const info = await this.client.getDiscoInfo(from);
    return { jid: from, features: info.features };
  }

  async call(jid, media) {
    const stream = await navigator.mediaDevices.getUserMedia(media);
    this.session = this.client.jingle.createMediaSession(jid, undefined, stream);
    this.ended = null;
    const video = document.createElement("video");
    video.autoplay = true;
    video.playsInline = true;
    document.body.append(video);
    this.session.pc.addEventListener("track", ({ streams, track }) => {
      video.srcObject = streams[0] ?? new MediaStream([track]);
    });
    await this.session.start();
  }

  /** What comes back: decoded frames, and the energy of the sound. */
  async heard() {
    const found = { state: this.session.state, frames: 0, energy: 0, width: 0 };
    for (const report of (await this.session.pc.getStats()).values()) {
      if (report.type === "inbound-rtp" && report.kind === "video") {
        found.frames = report.framesDecoded ?? 0;
        found.width = report.frameWidth ?? 0;
      } else if (report.type === "inbound-rtp" && report.kind === "audio") {
        found.energy = report.totalAudioEnergy ?? 0;
      }
    }
    return found;
  }

  hangUp() {
    this.session.end("success");
  }
}

/** Signs in over a WebSocket. */
window.signIn = async (jid, password, websocket) => {
  const client = createClient({ jid, password, transports: { websocket, bosh: false } });
  const phone = new Phone(client);
  window.phone = phone;
  await new Promise((resolve, reject) => {
    client.on("session:started", resolve);
    client.on("auth:failed", () => reject(new Error("wrong password")));
    client.on("stream:error", (error) => reject(new Error(error.condition)));
    client.connect();
  });
  client.sendPresence();
  return client.jid;
};
