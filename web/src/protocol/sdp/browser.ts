/** What a browser may get to read. */
import type { SdpLine, SessionDescription } from "./description.ts";

/** SDES keys, which a browser must not mix with DTLS, and a mark that is for bridges only. */
const WITHHELD = new Set(["crypto", "x-jingle"]);

/** A description without the attributes that no peer connection may get. */
export function forBrowser({ session, media }: SessionDescription): SessionDescription {
  const allowed = (line: SdpLine) => line.type !== "a" || !WITHHELD.has(line.name);
  return {
    session: session.filter(allowed),
    media: media.map((section) => ({ ...section, lines: section.lines.filter(allowed) })),
  };
}
