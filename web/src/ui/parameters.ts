/** What a link to the page may ask for. Nothing here switches a camera on: that takes a click. */
import type { CallMedia } from "../media/capture.ts";

export type Transport = "bosh" | "websocket";

export interface Parameters {
  readonly transport: Transport | undefined;
  /** Address to fill in. */
  readonly call: string | undefined;
  readonly media: CallMedia | undefined;
  /** Sign in as a guest without a click. */
  readonly auto: boolean;
  /** Offer `window.jinglebridge`. */
  readonly debug: boolean;
}

export function readParameters(search: string): Parameters {
  const query = new URLSearchParams(search);
  const transport = query.get("transport");
  const media = query.get("media");
  return {
    transport: transport === "bosh" || transport === "websocket" ? transport : undefined,
    call: query.get("call")?.trim() || undefined,
    media: media === "audio" || media === "video" ? media : undefined,
    auto: query.get("auto") === "1",
    debug: query.has("debug"),
  };
}
