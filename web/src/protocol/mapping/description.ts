/** A whole session description to the contents, groups and residue of a Jingle element, and back. */
import { MalformedStanza } from "../errors.ts";
import type { Role } from "../jingle/senders.ts";
import type { Jingle } from "../jingle/xep_0166.ts";
import type { Group } from "../jingle/xep_0338.ts";
import {
  attributeValue,
  attributeValues,
  isRejected,
  type MediaDescription,
  type SdpLine,
  type SessionDescription,
} from "../sdp/description.ts";
import { loadLine, token } from "../sdp/text.ts";
import { contentOf, isSupported, mediaOf } from "./contents.ts";
import { type ReadSection, raised, sessionResidue } from "./levels.ts";
import { ContentNames } from "./names.ts";
import { isOurs, missingLines, residueLine } from "./residue.ts";

/** What a Jingle element says of a session description. */
export type JingleParts = Pick<Jingle, "groups" | "contents" | "residue">;

const ORIGIN = "o=- 0 0 IN IP4 127.0.0.1";
/** Session lines that say nothing; a residue may replace each. */
const DEFAULTS = ["v=0", ORIGIN, "s=-", "t=0 0"];
// RFC 8866 §5: v=, o=, s= and t= stand once; the rest may be there or not.
const SESSION_TYPES = "osiuepcbtrzka";
/** Attributes that each section has from its content, whatever the session level says. */
const SPOKEN_FOR = new Set(["group", "mid"]);

export interface Written {
  readonly parts: JingleParts;
  readonly names: ContentNames;
}

/**
 * Write a description of the side `writer`.
 *
 * Refused and stopped sections (port 0) have no content: Jingle says so by leaving them out. New
 * contents belong to `creator`; `names` are those already known in the session.
 */
export function describe(
  description: SessionDescription,
  writer: Role,
  creator: Role,
  names: ContentNames = ContentNames.empty,
): Written {
  let known = names;
  const contents = description.media.flatMap((media, index) => {
    if (isRejected(media)) return [];
    const mid = midOf(media, index);
    if (known.key(mid) === undefined) known = known.add({ creator, name: mid });
    const key = known.key(mid) ?? { creator, name: mid };
    return [contentOf(media, description.session, key, mid, writer)];
  });
  const groups = groupsOf(description.session, known);
  const standard = [...DEFAULTS.filter((line) => line !== ORIGIN), ...groupLines(groups, known)];
  const residue = missingLines(sessionResidue(description), standard);
  return { parts: { groups, contents, residue }, names: known };
}

function midOf(media: MediaDescription, index: number): string {
  return attributeValue(media.lines, "mid") ?? `${media.kind}${index}`;
}

function groupsOf(session: readonly SdpLine[], names: ContentNames): Group[] {
  return attributeValues(session, "group").map((value) => {
    const [semantics = "", ...mids] = value.split(" ");
    return { semantics, contents: mids.map((mid) => names.key(mid)?.name ?? mid) };
  });
}

function groupLines(groups: readonly Group[], names: ContentNames): string[] {
  return groups.map(({ semantics, contents }) => {
    const mids = contents.map((name) => names.midOfName(name) ?? token(name, "group member"));
    return `a=group:${[token(semantics, "group semantics"), ...mids].join(" ")}`;
  });
}

export interface Read {
  readonly description: SessionDescription;
  readonly names: ContentNames;
}

/**
 * Read the description of the side `writer`. Raises MalformedStanza.
 *
 * `slots` is the description that this one follows (the offer, for an answer): it fixes the order of
 * the sections, and a section of it that has no content here comes back refused, with port 0.
 */
export function descriptionOf(
  parts: JingleParts,
  writer: Role,
  names: ContentNames = ContentNames.empty,
  slots?: SessionDescription,
): Read {
  const supported = parts.contents.filter(isSupported);
  const known = supported.reduce((all, content) => all.add(content), names);
  const sections: ReadSection[] = [];
  const mids = new Set<string>();
  for (const content of supported) {
    const mid = known.mid(content) ?? content.name;
    if (mids.has(mid)) throw new MalformedStanza("two contents have the same name");
    mids.add(mid);
    sections.push({ media: mediaOf(content, mid, writer), residue: content.residue });
  }
  const lines = sessionLines(parts, known).map((line) => loadLine(line));
  const { session, media } = raised(lines, parts.residue, sections);
  return { description: { session, media: inOrder(media, slots) }, names: known };
}

function sessionLines(parts: JingleParts, names: ContentNames): string[] {
  const lines = [...DEFAULTS, ...groupLines(parts.groups, names)];
  for (const text of parts.residue.filter((line) => !isOurs(line))) {
    const { type, name } = residueLine(text);
    if (!SESSION_TYPES.includes(type) || (type === "a" && SPOKEN_FOR.has(name))) continue;
    const index = "ost".includes(type)
      ? lines.findIndex((line) => line.startsWith(`${type}=`))
      : -1;
    if (index >= 0) lines[index] = text;
    else lines.push(text);
  }
  return lines;
}

function inOrder(
  sections: readonly MediaDescription[],
  slots: SessionDescription | undefined,
): MediaDescription[] {
  if (slots === undefined) return [...sections];
  const rest = new Map(sections.map((section, index) => [midOf(section, index), section]));
  const media = slots.media.map((slot, index) => {
    const mid = midOf(slot, index);
    const section = rest.get(mid);
    rest.delete(mid);
    return section ?? refused(slot, mid);
  });
  return [...media, ...rest.values()];
}

function refused(slot: MediaDescription, mid: string): MediaDescription {
  const { kind, proto, formats } = slot;
  const lines = ["c=IN IP4 0.0.0.0", `a=mid:${mid}`, "a=inactive"].map((line) => loadLine(line));
  return { kind, port: 0, proto, formats, lines };
}
