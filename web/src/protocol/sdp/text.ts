/**
 * SDP text: RFC 8866 §5 and §9. The one place where strings become SDP lines.
 */
import { MalformedStanza, SdpError } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import type { MediaDescription, SdpLine, SessionDescription } from "./description.ts";

const LINE = /^([a-z])=(.*)$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not enter SDP.
const FORBIDDEN = /[\u0000\r\n]/;
const M_LINE = /^m=(\S+) (\d{1,5})(?:\/(\d+))? (\S+)((?: \S+)*) ?$/;

/** Refuse what would end a line early and smuggle in another one. */
export function singleLine(value: string, what: string): string {
  if (FORBIDDEN.test(value)) throw new MalformedStanza(`${what} holds a line break or NUL`);
  if (value.length > LIMITS.characters) throw new MalformedStanza(`${what} is too long`);
  return value;
}

/** A peer's value that stands between spaces in SDP: not empty, no white space. */
export function token(value: string | undefined, what: string): string {
  if (value === undefined || value === "") throw new MalformedStanza(`${what} is missing`);
  singleLine(value, what);
  if (/\s/.test(value)) throw new MalformedStanza(`${what} holds white space`);
  return value;
}

/** A peer's decimal number between `minimum` and `maximum`. */
export function integer(
  value: string | undefined,
  what: string,
  minimum = 0,
  maximum = 0xffff_ffff,
): number {
  if (value === undefined || !/^\d{1,10}$/.test(value)) {
    throw new MalformedStanza(`${what} is not a number`);
  }
  const number = Number(value);
  if (number < minimum || number > maximum) throw new MalformedStanza(`${what} is out of range`);
  return number;
}

/** `a=name` or `a=name:value` as a line. */
export function attribute(name: string, value?: string): SdpLine {
  return { type: "a", name, value };
}

/** One line as text, without its end. */
export function dumpLine(line: SdpLine): string {
  const body =
    line.type !== "a" || line.value === undefined
      ? line.type === "a"
        ? line.name
        : (line.value ?? "")
      : `${line.name}:${line.value}`;
  return singleLine(`${line.type}=${body}`, "SDP line");
}

/** Read one line. Raises SdpError if it is not `x=…`. */
export function loadLine(text: string, lineNumber?: number): SdpLine {
  const match = LINE.exec(text);
  if (!match || FORBIDDEN.test(text)) throw new SdpError("not an SDP line", lineNumber);
  const [, type = "", body = ""] = match;
  if (type !== "a") return { type, name: "", value: body };
  const colon = body.indexOf(":");
  if (colon < 0) return { type, name: body, value: undefined };
  return { type, name: body.slice(0, colon), value: body.slice(colon + 1) };
}

/** Read an `m=` line. Raises SdpError. */
export function loadMediaLine(text: string, lineNumber?: number): Omit<MediaDescription, "lines"> {
  const match = M_LINE.exec(text);
  const [, kind = "", port = "", count, proto = "", formats = ""] = match ?? [];
  if (!match || Number(port) > 65535) throw new SdpError("bad m= line", lineNumber);
  return {
    kind,
    port: Number(port),
    ...(count === undefined ? {} : { portCount: Number(count) }),
    proto,
    formats: formats.split(" ").filter((format) => format !== ""),
  };
}

/** An `m=` line as text. */
export function dumpMediaLine(media: Omit<MediaDescription, "lines">): string {
  const port = media.portCount === undefined ? media.port : `${media.port}/${media.portCount}`;
  const formats = media.formats.map((format) => ` ${format}`).join("");
  return singleLine(`m=${media.kind} ${port} ${media.proto}${formats}`, "m= line");
}

/** Read a session description; line ends may be CRLF or LF. Raises SdpError. */
export function loads(text: string): SessionDescription {
  if (text.length > LIMITS.sdp) throw new SdpError("session description too long");
  const session: SdpLine[] = [];
  const media: { head: Omit<MediaDescription, "lines">; lines: SdpLine[] }[] = [];
  text.split(/\r\n|\n/).forEach((raw, index) => {
    if (raw === "") return;
    if (raw.startsWith("m=")) {
      media.push({ head: loadMediaLine(raw, index + 1), lines: [] });
      return;
    }
    (media.at(-1)?.lines ?? session).push(loadLine(raw, index + 1));
  });
  if (session[0]?.type !== "v") throw new SdpError("v= is not the first line", 1);
  if (media.length > LIMITS.contents) throw new SdpError("too many m= sections");
  return { session, media: media.map(({ head, lines }) => ({ ...head, lines })) };
}

// RFC 8866 §5 fixes the order of line types; within one type the order is kept.
const SESSION_ORDER = "vosiuepcbtrzka";
const MEDIA_ORDER = "icbka";

function ordered(lines: readonly SdpLine[], order: string): SdpLine[] {
  const rank = (line: SdpLine) => {
    const place = order.indexOf(line.type);
    return place < 0 ? order.length : place;
  };
  return lines.toSorted((a, b) => rank(a) - rank(b));
}

/** Write a session description with CRLF line ends. Refuses CR, LF and NUL in any value. */
export function dumps(description: SessionDescription): string {
  const lines = ordered(description.session, SESSION_ORDER).map(dumpLine);
  for (const media of description.media) {
    lines.push(dumpMediaLine(media), ...ordered(media.lines, MEDIA_ORDER).map(dumpLine));
  }
  return lines.map((line) => `${line}\r\n`).join("");
}
