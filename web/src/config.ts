/** What the server tells the page about itself: `config.json` beside it. */
import { Problem } from "./problem.ts";

export interface Service {
  readonly jid: string;
  readonly name: string;
  readonly description: string;
}

export interface PageConfig {
  readonly domain: string;
  /** Domain for guests, if there are any. */
  readonly anonymousDomain: string | undefined;
  /** Absolute URLs; absent: not offered. */
  readonly bosh: string | undefined;
  readonly websocket: string | undefined;
  readonly services: readonly Service[];
  readonly demo: { readonly jid: string; readonly password: string } | undefined;
  readonly iceServers: readonly RTCIceServer[];
}

export class ConfigError extends Problem {
  constructor(options?: ErrorOptions) {
    super(
      "The page's settings could not be loaded.",
      "Reload the page; if that does not help, tell whoever runs this server.",
      options,
    );
  }
}

type Json = Record<string, unknown>;

/** Read and check `config.json`. Raises ConfigError. */
export async function loadConfig(base: string): Promise<PageConfig> {
  try {
    const response = await fetch(new URL("config.json", base), { cache: "no-store" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    return parseConfig((await response.json()) as unknown, base);
  } catch (error) {
    throw new ConfigError({ cause: error });
  }
}

/** Check a configuration; `base` is what relative URLs are relative to. Raises TypeError. */
export function parseConfig(value: unknown, base: string): PageConfig {
  const config = object(value);
  const demo = config.demo == null ? undefined : object(config.demo);
  const bosh = optional(config.bosh);
  const websocket = optional(config.websocket);
  return {
    domain: text(config.domain),
    anonymousDomain: optional(config.anonymousDomain),
    bosh: bosh && new URL(bosh, base).href,
    websocket: websocket && new URL(websocket, base).href.replace(/^http/, "ws"),
    services: list(config.services).map((item) => {
      const { jid, name, description } = object(item);
      return { jid: text(jid), name: text(name), description: optional(description) ?? "" };
    }),
    demo: demo && { jid: text(demo.jid), password: text(demo.password) },
    iceServers: list(config.iceServers) as RTCIceServer[],
  };
}

function object(value: unknown): Json {
  if (typeof value !== "object" || value === null) throw new TypeError("not an object");
  return value as Json;
}

function text(value: unknown): string {
  if (typeof value !== "string") throw new TypeError("not a text");
  return value;
}

function optional(value: unknown): string | undefined {
  return value == null || value === "" ? undefined : text(value);
}

function list(value: unknown): unknown[] {
  if (value == null) return [];
  if (!Array.isArray(value)) throw new TypeError("not a list");
  return value;
}
