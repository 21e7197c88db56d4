/** The call itself: pictures, who it is with, and the three buttons. */
import type { CallMedia } from "../media/capture.ts";
import { byId } from "./dom.ts";

export interface StageActions {
  hangUp(): void;
  mute(kind: CallMedia, muted: boolean): void;
}

const LABELS: Readonly<Record<CallMedia, readonly [on: string, off: string]>> = {
  audio: ["Mute", "Unmute"],
  video: ["Stop video", "Start video"],
};

export class StageView {
  readonly #screen = byId("screen", HTMLElement);
  readonly #remote = byId("remote", HTMLVideoElement);
  readonly #local = byId("local", HTMLVideoElement);
  readonly #self = byId("self", HTMLElement);
  readonly #badge = byId("peer-muted", HTMLElement);
  readonly #hangUp = byId("hang-up", HTMLButtonElement);
  readonly #toggles = {
    audio: byId("toggle-microphone", HTMLButtonElement),
    video: byId("toggle-camera", HTMLButtonElement),
  };
  readonly #peerOff = { audio: false, video: false };

  constructor(actions: StageActions) {
    this.#hangUp.addEventListener("click", () => actions.hangUp());
    for (const kind of ["audio", "video"] as const) {
      this.#toggles[kind].addEventListener("click", () => {
        const muted = !this.#toggles[kind].classList.contains("off");
        this.#show(kind, !muted);
        actions.mute(kind, muted);
      });
    }
    // A picture is there when its first frame is, not when a track is announced.
    this.#remote.addEventListener("resize", () => this.#pictureChanged());
  }

  /** A call begins: nothing to see yet. */
  open(name: string, jid: string, media: CallMedia): void {
    byId("peer-initial", HTMLElement).textContent = name.slice(0, 1).toUpperCase();
    byId("peer-name", HTMLElement).textContent = name;
    byId("peer-jid", HTMLElement).textContent = name === jid ? "" : jid;
    this.#self.hidden = media === "audio";
    this.#toggles.video.hidden = media === "audio";
    this.#show("audio", true);
    this.#show("video", true);
    this.peerMuted(undefined, false);
    this.#hangUp.focus();
  }

  play(local: MediaStream, remote: MediaStream): void {
    this.#local.srcObject = local;
    this.#remote.srcObject = remote;
    // autoplay is allowed here: the person has clicked and the microphone is open.
    this.#remote.play().catch(() => undefined);
  }

  /** The other side switched something off or on; `undefined` means everything. */
  peerMuted(kind: CallMedia | undefined, muted: boolean): void {
    if (kind !== "video") this.#peerOff.audio = muted;
    if (kind !== "audio") this.#peerOff.video = muted;
    const { audio, video } = this.#peerOff;
    const what = [audio ? "microphone" : "", video ? "camera" : ""].filter((word) => word !== "");
    this.#badge.textContent = `The other side switched off: ${what.join(" and ")}`;
    this.#badge.hidden = what.length === 0;
    this.#pictureChanged();
  }

  close(): void {
    this.#local.srcObject = null;
    this.#remote.srcObject = null;
    this.#pictureChanged();
  }

  #pictureChanged(): void {
    const picture = this.#remote.srcObject !== null && this.#remote.videoWidth > 0;
    this.#screen.classList.toggle("has-picture", picture && !this.#peerOff.video);
  }

  #show(kind: CallMedia, on: boolean): void {
    const button = this.#toggles[kind];
    // The label says what a press will do, so no pressed state is announced beside it.
    button.classList.toggle("off", !on);
    const label = button.querySelector(".control-label");
    if (label !== null) label.textContent = LABELS[kind][on ? 0 : 1];
    if (kind === "video") this.#self.classList.toggle("off", !on);
  }
}
