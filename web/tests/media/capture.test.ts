import { expect, it } from "vitest";
import { CaptureError, capture, captureError } from "../../src/media/capture.ts";

function named(name: string): Error {
  return new DOMException("nothing", name);
}

it.each([
  ["NotAllowedError", "permission-denied"],
  ["SecurityError", "permission-denied"],
  ["NotFoundError", "not-found"],
  ["NotReadableError", "in-use"],
  ["OverconstrainedError", "overconstrained"],
  ["AbortError", "aborted"],
  ["TypeError", "failed"],
])("%s is %s, with a sentence and a remedy", (name, kind) => {
  for (const video of [true, false]) {
    const error = captureError(named(name), video);
    expect(error.kind).toBe(kind);
    expect(error.message).toMatch(/^(?!.*Error).+\.$/);
    expect(error.remedy).toMatch(/\.$/);
    if (!video) expect(error.message).not.toContain("camera");
  }
});

it("two names never share one text", () => {
  const names = ["NotAllowedError", "SecurityError", "NotFoundError", "NotReadableError"];
  const texts = names.map((name) => captureError(named(name), true).message);
  expect(new Set(texts).size).toBe(names.length);
});

it("asks for the camera only in a video call", async () => {
  const asked: MediaStreamConstraints[] = [];
  const source = (constraints: MediaStreamConstraints) => {
    asked.push(constraints);
    return Promise.resolve({} as MediaStream);
  };
  await capture("audio", source);
  await capture("video", source);
  expect(asked[0]).toEqual({ audio: true, video: false });
  expect(asked[1]?.video).toMatchObject({ width: { ideal: 1280 } });
});

it("leaves an error that is in words already as it is", async () => {
  const error = new CaptureError("insecure-context", "No.", "Do.");
  await expect(capture("audio", () => Promise.reject(error))).rejects.toBe(error);
});
