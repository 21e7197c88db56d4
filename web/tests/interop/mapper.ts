/**
 * The page's mapping as a program, for tests in other languages: JSON lines in, JSON lines out.
 *
 * {"sdp": …, "writer": …} gives {"jingle": …}; {"jingle": …, "writer": …, "offer"?: …} gives
 * {"sdp": …}; {"candidate": …, "name": …, "ufrag": …, "pwd": …} gives {"jingle": …}, a
 * transport-info; {"trickled": …, "name": …} gives {"candidates": […]}. What cannot be mapped gives
 * {"error": …}. Contents are the initiator's.
 */
import { createInterface } from "node:readline";
import type { Role } from "../../src/protocol/jingle/senders.ts";
import { buildJingle, jingle, parseJingle } from "../../src/protocol/jingle/xep_0166.ts";
import { trickleContent, trickledCandidates } from "../../src/protocol/mapping/candidates.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { ContentNames } from "../../src/protocol/mapping/names.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import { parseXml, serialize } from "../vectors.ts";

type Request =
  | { readonly sdp: string; readonly writer: Role }
  | { readonly jingle: string; readonly offer?: string; readonly writer: Role }
  | {
      readonly candidate: string;
      readonly name: string;
      readonly ufrag: string;
      readonly pwd: string;
    }
  | { readonly trickled: string; readonly name: string };

function answer(request: Request): object {
  if ("sdp" in request) {
    const { parts } = describe(loads(request.sdp), request.writer, "initiator");
    return { jingle: serialize(buildJingle(jingle("session-initiate", "s1", parts))) };
  }
  if ("jingle" in request) {
    const slots = request.offer === undefined ? undefined : loads(request.offer);
    const names = slots && describe(slots, "initiator", "initiator").names;
    const stanza = parseJingle(parseXml(request.jingle));
    const { description } = descriptionOf(stanza, request.writer, names, slots);
    return { sdp: dumps(description) };
  }
  const key = { creator: "initiator", name: request.name } as const;
  if ("candidate" in request) {
    const contents = [trickleContent(key, request.candidate, request)];
    return { jingle: serialize(buildJingle(jingle("transport-info", "s1", { contents }))) };
  }
  const { contents } = parseJingle(parseXml(request.trickled));
  return { candidates: trickledCandidates(contents, ContentNames.empty.add(key)) };
}

for await (const line of createInterface({ input: process.stdin })) {
  let result: object;
  try {
    result = answer(JSON.parse(line) as Request);
  } catch (error) {
    result = { error: String(error) };
  }
  process.stdout.write(`${JSON.stringify(result)}\n`);
}
