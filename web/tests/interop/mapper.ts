/**
 * The page's mapping as a program, for tests in other languages: JSON lines in, JSON lines out.
 *
 * {"sdp": …, "writer": …} gives {"jingle": …}; {"jingle": …, "writer": …, "offer"?: …} gives
 * {"sdp": …}. What cannot be mapped gives {"error": …}.
 */
import { createInterface } from "node:readline";
import type { Role } from "../../src/protocol/jingle/senders.ts";
import { buildJingle, jingle, parseJingle } from "../../src/protocol/jingle/xep_0166.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import { parseXml, serialize } from "../vectors.ts";

interface Request {
  readonly sdp?: string;
  readonly jingle?: string;
  readonly offer?: string;
  readonly writer: Role;
}

function answer({ sdp, jingle: xml, offer, writer }: Request): object {
  if (sdp !== undefined) {
    const { parts } = describe(loads(sdp), writer, "initiator");
    return { jingle: serialize(buildJingle(jingle("session-initiate", "s1", parts))) };
  }
  const slots = offer === undefined ? undefined : loads(offer);
  const names = slots && describe(slots, "initiator", "initiator").names;
  const { description } = descriptionOf(parseJingle(parseXml(xml ?? "")), writer, names, slots);
  return { sdp: dumps(description) };
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
