/** The state of the page in words, without a DOM. */
import type { CallState } from "../media/call.ts";
import type { CallMedia } from "../media/capture.ts";
import type { Ending } from "../media/endings.ts";

export type PageState = "signed-out" | "signing-in" | "ready" | CallState;

export interface Situation {
  readonly state: PageState;
  readonly peer?: string | undefined;
  readonly media?: CallMedia | undefined;
  /** The browser is asking for the devices. */
  readonly askingForDevices?: boolean | undefined;
  readonly interrupted?: boolean | undefined;
  readonly ending?: Ending | undefined;
}

/** One short sentence for the status line, read out by screen readers. */
export function inWords(situation: Situation): string {
  const { state, peer = "", media, askingForDevices, interrupted, ending } = situation;
  switch (state) {
    case "signed-out":
      return "";
    case "signing-in":
      return "Signing in…";
    case "ready":
      return "Ready to call";
    case "calling":
      if (!askingForDevices) return `Calling ${peer}…`;
      return media === "video"
        ? "Waiting for your camera and microphone…"
        : "Waiting for your microphone…";
    case "ringing":
      return `Ringing at ${peer}…`;
    case "connecting":
      return "Answered, connecting…";
    case "connected":
      return interrupted ? "Connection interrupted, trying to get it back…" : "Connected";
    case "ended":
      return `Call ended. ${ending?.message ?? ""}`.trim();
  }
}

/** `mm:ss` or `h:mm:ss` for a time in ms. */
export function clock(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const rest = `${two(minutes % 60)}:${two(seconds % 60)}`;
  return minutes < 60 ? rest : `${Math.floor(minutes / 60)}:${rest}`;
}

/** Whether this can be an XMPP address with a domain (RFC 7622 §3.1, loosely). */
export function isAddress(text: string): boolean {
  return /^(?:[^\s"&'/:<>@]+@)?[^\s"&'/:<>@]+(?:\/.+)?$/.test(text);
}

/** The part of an address that people recognise. */
export function localPart(jid: string): string {
  return jid.split("/", 1)[0]?.split("@", 1)[0] ?? jid;
}
