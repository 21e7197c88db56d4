/**
 * What may stand at session level although every content says it (RFC 8839 §5.4, RFC 8122 §5).
 *
 * Jingle knows no session level. The line `~session <field> …` of the session's residue names what stood
 * above all sections, `~section <field> …` of a content's residue what its section said itself as well.
 */
import {
  attributeValues,
  directionOf,
  isData,
  isRejected,
  type MediaDescription,
  type SdpLine,
  type SessionDescription,
} from "../sdp/description.ts";
import { loadFingerprint } from "../sdp/grammar.ts";
import { attribute, dumpLine, loadLine } from "../sdp/text.ts";

const ABOVE = "~session ";
const BOTH = "~section ";
/** Fields by the names that they have in the lines. */
const FIELDS = ["ice_ufrag", "ice_pwd", "fingerprints", "setup", "direction"] as const;
type Field = (typeof FIELDS)[number];
const MIXED = "a=extmap-allow-mixed";

/** The lines of one field, as text. */
function saidOf(lines: readonly SdpLine[], field: Field): string[] {
  switch (field) {
    case "direction": {
      const direction = directionOf(lines);
      return direction === undefined ? [] : [`a=${direction}`];
    }
    case "fingerprints":
      return attributeValues(lines, "fingerprint")
        .filter((value) => loadFingerprint(value, undefined) !== undefined)
        .map((value) => dumpLine(attribute("fingerprint", value)));
    default: {
      const name = field.replace("_", "-");
      const values = attributeValues(lines, name).slice(0, 1);
      return values.map((value) => dumpLine(attribute(name, value)));
    }
  }
}

function areEqual(some: readonly string[], others: readonly string[]): boolean {
  return some.length > 0 && some.join("\n") === others.join("\n");
}

/** A section's own lines of a field, or those that it inherits. */
export function effective(
  media: readonly SdpLine[],
  session: readonly SdpLine[],
  field: Field,
): SdpLine[] {
  const own = saidOf(media, field);
  return (own.length > 0 ? own : saidOf(session, field)).map((text) => loadLine(text));
}

/**
 * The session's lines for its residue: the lines of a field that the first section's content says
 * anyway give way to one that names it.
 */
export function sessionResidue({ session, media }: SessionDescription): string[] {
  const first = media.find((section) => !isRejected(section));
  const named = FIELDS.filter((field) => {
    const above = saidOf(session, field);
    return (
      first !== undefined && areEqual(above, effective(first.lines, session, field).map(dumpLine))
    );
  });
  const given = named.flatMap((field) => saidOf(session, field));
  const rest = session.map(dumpLine).filter((line) => !given.includes(line));
  return [...rest, ...lineOf(ABOVE, named)];
}

/** What a section says itself although it stands at session level. */
export function sectionResidue({ lines }: MediaDescription, session: readonly SdpLine[]): string[] {
  return lineOf(
    BOTH,
    FIELDS.filter((field) => areEqual(saidOf(session, field), saidOf(lines, field))),
  );
}

function lineOf(prefix: string, fields: readonly Field[]): string[] {
  return fields.length === 0 ? [] : [prefix + fields.join(" ")];
}

function namedIn(residue: readonly string[], prefix: string): Set<string> {
  const lines = residue.filter((line) => line.startsWith(prefix));
  return new Set(lines.flatMap((line) => line.slice(prefix.length).split(" ")));
}

/** A section as its content says it, and the content's residue. */
export interface ReadSection {
  readonly media: MediaDescription;
  readonly residue: readonly string[];
}

/**
 * A description whose sections leave out what stands at session level only.
 *
 * `session` are the session's lines, `residue` is the session's. A field counts at session level
 * only when every section's content says it: nobody gets it from a residue.
 */
export function raised(
  session: readonly SdpLine[],
  residue: readonly string[],
  sections: readonly ReadSection[],
): SessionDescription {
  const named = namedIn(residue, ABOVE);
  const all = sections.map(({ media }) => media);
  let above = sharedMixed(session, all);
  for (const field of FIELDS) {
    const said = all.map(({ lines }) => saidOf(lines, field));
    const mayStand = said.every((lines) => lines.length > 0);
    if (mayStand && !(named.has(field) && said[0] !== undefined)) continue;
    const old = saidOf(above, field);
    above = above.filter((line) => !old.includes(dumpLine(line)));
    if (mayStand) above.push(...(said[0] ?? []).map((text) => loadLine(text)));
  }
  return { session: above, media: sections.map((section) => unrepeated(section, above)) };
}

/** The session's lines; `extmap-allow-mixed` among them only when every RTP content says it. */
function sharedMixed(session: readonly SdpLine[], media: readonly MediaDescription[]): SdpLine[] {
  const rtp = media.filter((section) => !isData(section));
  const mayStand = rtp.every(({ lines }) => lines.some((line) => dumpLine(line) === MIXED));
  return session.filter((line) => mayStand || dumpLine(line) !== MIXED);
}

function unrepeated(
  { media, residue }: ReadSection,
  session: readonly SdpLine[],
): MediaDescription {
  const both = namedIn(residue, BOTH);
  const repeated = FIELDS.flatMap((field) => {
    const own = saidOf(media.lines, field);
    return !both.has(field) && areEqual(saidOf(session, field), own) ? own : [];
  });
  if (!isData(media) && session.some((line) => dumpLine(line) === MIXED)) repeated.push(MIXED);
  return { ...media, lines: media.lines.filter((line) => !repeated.includes(dumpLine(line))) };
}
