/**
 * Candidates between SDP and XEP-0176, which has no place for extension pairs.
 *
 * On the wire each candidate has an id, a generation and its protocol in lower case, as §5.3 requires
 * and some clients insist on; a line of the residue says under the id what SDP had otherwise:
 * `~c <id> <name> <value> …`.
 */
import { MalformedStanza } from "../errors.ts";
import type { Candidate } from "../jingle/xep_0176.ts";
import { type CandidateLine, dumpCandidate, loadCandidate, pairsOf } from "../sdp/grammar.ts";

const PREFIX = "~c ";
/** The value of `generation` that says that SDP had none. */
const NO_GENERATION = "-";

export interface WireCandidates {
  readonly candidates: readonly Candidate[];
  /** Lines of the residue. */
  readonly residue: readonly string[];
}

/** Candidates as they go on the wire; the same ones have the same ids each time. */
export function toWire(lines: readonly CandidateLine[]): WireCandidates {
  const taken = new Set<string>();
  const residue: string[] = [];
  const candidates = lines.map(({ extensions, ...candidate }): Candidate => {
    const id = freeId(checksum(dumpCandidate({ ...candidate, extensions: [] })), taken);
    const pairs = extensions.flat();
    const protocol = candidate.protocol.toLowerCase();
    if (candidate.protocol !== protocol) pairs.unshift("protocol", candidate.protocol);
    if (candidate.generation === undefined) pairs.unshift("generation", NO_GENERATION);
    if (pairs.length > 0) residue.push(`${PREFIX}${[id, ...pairs].join(" ")}`);
    return { ...candidate, id, protocol, generation: candidate.generation ?? "0" };
  });
  return { candidates, residue };
}

/** Candidates as SDP has them, with what the residue says under their ids. Raises MalformedStanza. */
export function fromWire(
  candidates: readonly Candidate[],
  residue: readonly string[],
): CandidateLine[] {
  const said = new Map<string, [string, string][]>();
  for (const line of residue.filter((text) => text.startsWith(PREFIX))) {
    const [id = "", ...words] = line.slice(PREFIX.length).split(" ");
    if (words.length % 2 !== 0 || words.includes("")) {
      throw new MalformedStanza("extensions of a candidate come in pairs");
    }
    said.set(id, pairsOf(words));
  }
  return candidates.map(({ id, generation, ...candidate }) => {
    const pairs = said.get(id ?? "") ?? [];
    const absent = pairs.some(saysNoGeneration) && generation === "0";
    const spelled = pairs.find(
      ([name, value]) => name === "protocol" && value.toLowerCase() === candidate.protocol,
    );
    const extensions = pairs.filter((pair) => !saysNoGeneration(pair) && pair !== spelled);
    return {
      ...candidate,
      protocol: spelled?.[1] ?? candidate.protocol,
      generation: absent ? undefined : generation,
      extensions,
    };
  });
}

function saysNoGeneration([name, value]: readonly [string, string]): boolean {
  return name === "generation" && value === NO_GENERATION;
}

/** The value of an `a=candidate` line that XEP-0176 and its extensions can say to the letter. */
export function exactCandidate(value: string): CandidateLine | undefined {
  const candidate = loadCandidate(value);
  return candidate !== undefined && dumpCandidate(candidate) === value ? candidate : undefined;
}

function freeId(id: string, taken: Set<string>): string {
  let free = id;
  for (let count = 2; taken.has(free); count++) free = `${id}-${count}`;
  taken.add(free);
  return free;
}

/** `c` and the CRC-32 (ISO 3309) of a candidate's line. */
function checksum(line: string): string {
  let crc = ~0;
  for (const character of `candidate:${line}`) {
    crc ^= character.charCodeAt(0);
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb8_8320 : 0);
  }
  return `c${(~crc >>> 0).toString(16).padStart(8, "0")}`;
}
