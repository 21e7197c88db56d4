/** One attribute each: the probed line survives, wherever a browser could have written it. */
import { expect, it, describe as suite } from "vitest";
import { jingle } from "../../src/protocol/jingle/xep_0166.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { isRejected } from "../../src/protocol/sdp/description.ts";
import { dumps, loads } from "../../src/protocol/sdp/text.ts";
import { overTheWire, read } from "../vectors.ts";
import { expectSame } from "./same.ts";

interface Probe {
  readonly file: string;
  readonly lines: readonly string[];
}

const PROBES: readonly Probe[] = read("probes/INDEX.tsv")
  .split("\n")
  .filter((row) => row !== "")
  .map((row) => {
    const [file = "", , , wanted = ""] = row.split("\t");
    return { file, lines: wanted.split(" | ").filter((line) => line !== "") };
  });

function journey(text: string): string[] {
  const before = loads(text);
  const { parts, names } = describe(before, "initiator", "initiator");
  const stanza = overTheWire(jingle("session-initiate", "s1", parts));
  const slots = before.media.some(isRejected) ? before : undefined;
  return dumps(descriptionOf(stanza, "initiator", names, slots).description).split("\r\n");
}

suite("probes", () => {
  it("all of them are here", () => expect(PROBES).toHaveLength(139));

  for (const { file, lines } of PROBES) {
    it(file, () => {
      const text = read(`probes/${file}`);
      const after = journey(text);
      expect(after).toEqual(expect.arrayContaining([...lines]));
      const count = (all: readonly string[], line: string) =>
        all.filter((other) => other === line).length;
      const before = text.split(/\r?\n/);
      for (const line of lines) expect(count(after, line)).toBe(count(before, line));
      expectSame(loads(text), loads(after.join("\n")));
    });
  }
});
