/** Whether two descriptions say the same, line by line. */
import { expect } from "vitest";
import { isRejected, type SessionDescription } from "../../src/protocol/sdp/description.ts";
import { dumps } from "../../src/protocol/sdp/text.ts";

function sections(sdp: string): string[][] {
  const found: string[][] = [[]];
  for (const line of sdp.split(/\r?\n/)) {
    if (line === "") continue;
    if (line.startsWith("m=")) found.push([]);
    found.at(-1)?.push(line);
  }
  return found.map((lines) => lines.toSorted());
}

/** A refused section says nothing but that it is refused, in its place. */
export function expectSame(before: SessionDescription, after: SessionDescription): void {
  expect(after.media.length).toBe(before.media.length);
  const [session, ...media] = sections(dumps(before));
  const [sessionAfter, ...mediaAfter] = sections(dumps(after));
  expect(sessionAfter).toEqual(session);
  before.media.forEach((section, index) => {
    if (isRejected(section)) {
      expect(after.media[index]).toMatchObject({ kind: section.kind, port: 0 });
    } else {
      expect(mediaAfter[index]).toEqual(media[index]);
    }
  });
}
