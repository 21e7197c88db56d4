import { expect, it, describe as suite } from "vitest";
import { readParameters } from "../../src/ui/parameters.ts";
import { clock, inWords, isAddress, localPart } from "../../src/ui/words.ts";

suite("the state in words", () => {
  it.each([
    [{ state: "calling", peer: "Echo" }, "Calling Echo…"],
    [
      { state: "calling", media: "video", askingForDevices: true },
      "Waiting for your camera and microphone…",
    ],
    [{ state: "calling", media: "audio", askingForDevices: true }, "Waiting for your microphone…"],
    [{ state: "ringing", peer: "Echo" }, "Ringing at Echo…"],
    [{ state: "connected" }, "Connected"],
    [{ state: "connected", interrupted: true }, "Connection interrupted, trying to get it back…"],
    [
      { state: "ended", ending: { message: "You hung up.", remedy: "", normal: true } },
      "Call ended. You hung up.",
    ],
    [{ state: "signed-out" }, ""],
  ] as const)("%j", (situation, words) => {
    expect(inWords(situation)).toBe(words);
  });
});

it.each([
  [0, "00:00"],
  [59_999, "00:59"],
  [61_000, "01:01"],
  [3_600_000, "1:00:00"],
  [-5, "00:00"],
])("%i ms are %s on the clock", (milliseconds, text) => {
  expect(clock(milliseconds)).toBe(text);
});

it.each(["echo@bridge.localhost", "echo@bridge.localhost/media", "example.org"])(
  "%s can be an address",
  (text) => expect(isAddress(text)).toBe(true),
);

it.each(["", "@x", "a b@x", "a@", "a@b@c", "<a>@x", "a@x/"])("%j is no address", (text) =>
  expect(isAddress(text)).toBe(false),
);

it("the local part is what people know", () => {
  expect(localPart("echo@bridge.localhost/media")).toBe("echo");
  expect(localPart("bridge.localhost")).toBe("bridge.localhost");
});

suite("link parameters", () => {
  it("are read", () => {
    expect(readParameters("?transport=bosh&call=a%40b&media=audio&auto=1&debug")).toEqual({
      transport: "bosh",
      call: "a@b",
      media: "audio",
      auto: true,
      debug: true,
    });
  });

  it("that make no sense are ignored", () => {
    expect(readParameters("?transport=pigeon&call=&media=smell&auto=yes")).toEqual({
      transport: undefined,
      call: undefined,
      media: undefined,
      auto: false,
      debug: false,
    });
  });
});
