import { expect, it } from "vitest";
import { parseConfig } from "../src/config.ts";

const BASE = "https://call.example.org/page/";
const FULL = {
  domain: "example.org",
  anonymousDomain: "anon.example.org",
  bosh: "/http-bind",
  websocket: "/xmpp-websocket",
  services: [{ jid: "echo@bridge.example.org", name: "Echo", description: "Echo." }],
  demo: { jid: "demo@example.org", password: "p" },
  iceServers: [{ urls: "stun:stun.example.org" }],
};

it("makes URLs absolute and the WebSocket's a wss:", () => {
  const config = parseConfig(FULL, BASE);
  expect(config.bosh).toBe("https://call.example.org/http-bind");
  expect(config.websocket).toBe("wss://call.example.org/xmpp-websocket");
  expect(parseConfig(FULL, "http://127.0.0.1:8080/").websocket).toBe(
    "ws://127.0.0.1:8080/xmpp-websocket",
  );
});

it("takes null and absence as not offered", () => {
  const config = parseConfig({ domain: "example.org", anonymousDomain: null, demo: null }, BASE);
  expect(config).toEqual({
    domain: "example.org",
    anonymousDomain: undefined,
    bosh: undefined,
    websocket: undefined,
    services: [],
    demo: undefined,
    iceServers: [],
  });
});

it.each([
  [null],
  [[]],
  [{ domain: 5 }],
  [{ ...FULL, services: {} }],
  [{ ...FULL, services: [{}] }],
])("refuses %j", (value) => expect(() => parseConfig(value, BASE)).toThrow(TypeError));
