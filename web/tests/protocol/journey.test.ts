/** Every line that a browser or aiortc writes survives SDP -> Jingle -> SDP. */
import { expect, it, describe as suite } from "vitest";
import type { Role } from "../../src/protocol/jingle/senders.ts";
import { jingle } from "../../src/protocol/jingle/xep_0166.ts";
import { describe, descriptionOf } from "../../src/protocol/mapping/description.ts";
import { isRejected, type SessionDescription } from "../../src/protocol/sdp/description.ts";
import { loads } from "../../src/protocol/sdp/text.ts";
import { list, overTheWire, read } from "../vectors.ts";
import { expectSame } from "./same.ts";

interface Step {
  readonly who: "A" | "B";
  readonly kind: string;
  readonly file?: string;
}

function journey(
  description: SessionDescription,
  writer: Role,
  slots?: SessionDescription,
): SessionDescription {
  const { parts, names } = describe(description, writer, writer);
  const stanza = overTheWire(jingle("session-initiate", "s1", parts));
  return descriptionOf(stanza, writer, names, slots).description;
}

for (const browser of ["chromium-156", "firefox-153"]) {
  suite(browser, () => {
    for (const path of list(`browsers/${browser}`, ".sequence.json")) {
      it(path, () => {
        let previous: SessionDescription | undefined;
        for (const step of JSON.parse(read(path)) as Step[]) {
          if (step.file === undefined) continue;
          const before = loads(read(`browsers/${browser}/${step.file}`));
          // Only a refused or stopped section, which has no content, needs the offer to come back.
          const slots = before.media.some(isRejected) ? previous : undefined;
          const after = journey(before, step.who === "A" ? "initiator" : "responder", slots);
          expectSame(before, after);
          previous = before;
        }
      });
    }
  });
}

it("every browser SDP belongs to a sequence", () => {
  const folders = ["browsers/chromium-156", "browsers/firefox-153"];
  const used = folders.flatMap((folder) =>
    list(folder, ".sequence.json").flatMap((path) =>
      (JSON.parse(read(path)) as Step[]).flatMap(({ file }) => (file ? [`${folder}/${file}`] : [])),
    ),
  );
  const all = folders.flatMap((folder) => list(folder, ".sdp"));
  expect(all).toHaveLength(280);
  expect(used.toSorted()).toEqual(all.toSorted());
});

suite("aiortc", () => {
  const paths = list("aiortc", ".sdp");
  it.each(paths)("%s", (path) => {
    const before = loads(read(path));
    expectSame(before, journey(before, path.includes("offer") ? "initiator" : "responder"));
  });
  it("all of them are here", () => expect(paths).toHaveLength(8));
});
