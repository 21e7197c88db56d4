/** A trickled candidate as a transport-info and back. */
import { MalformedStanza } from "../errors.ts";
import { NS } from "../jingle/namespaces.ts";
import type { Content } from "../jingle/xep_0166.ts";
import { dumpCandidate, loadCandidate } from "../sdp/grammar.ts";
import { fromWire, toWire } from "./extensions.ts";
import type { ContentKey, ContentNames } from "./names.ts";

/** A candidate as JSEP has it (RFC 9429 §3.5.2); an empty string is the end of candidates. */
export interface TrickledCandidate {
  /** `candidate:…`, without `a=`. */
  readonly candidate: string;
  readonly mid: string;
  readonly ufrag?: string | undefined;
}

export interface Credentials {
  readonly ufrag: string;
  readonly pwd: string;
}

const PREFIX = "candidate:";

/** One content with one candidate and always the credentials: what every client can read. */
export function trickleContent(
  key: ContentKey,
  candidate: string,
  { ufrag, pwd }: Credentials,
): Content {
  const parsed = candidate.startsWith(PREFIX)
    ? loadCandidate(candidate.slice(PREFIX.length).trimEnd())
    : undefined;
  if (candidate !== "" && parsed === undefined) {
    throw new MalformedStanza("a candidate is not in the grammar of RFC 8839");
  }
  const wire = toWire(parsed === undefined ? [] : [parsed]);
  return {
    ...key,
    transport: {
      ufrag,
      pwd,
      fingerprints: [],
      candidates: wire.candidates,
      remoteCandidates: [],
      gatheringComplete: parsed === undefined,
    },
    residue: wire.residue,
  };
}

/** The candidates of a transport-info, in order. Raises MalformedStanza. */
export function trickledCandidates(
  contents: readonly Content[],
  names: ContentNames,
): TrickledCandidate[] {
  return contents.flatMap((content) => {
    const mid = names.mid(content) ?? names.midOfName(content.name);
    if (mid === undefined) throw new MalformedStanza("transport-info for an unknown content");
    if (content.transport === undefined) {
      throw new MalformedStanza(`transport-info without a transport of ${NS.iceUdp}`);
    }
    const { ufrag, candidates, gatheringComplete } = content.transport;
    const lines = fromWire(candidates, content.residue).map(
      (candidate) => PREFIX + dumpCandidate(candidate),
    );
    return [...lines, ...(gatheringComplete ? [""] : [])].map((candidate) => ({
      candidate,
      mid,
      ufrag,
    }));
  });
}
