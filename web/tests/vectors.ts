/** The vectors that the Python tests use too, and a journey through real XML text. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DOMParser, XMLSerializer } from "@xmldom/xmldom";
import { buildJingle, type Jingle, parseJingle } from "../src/protocol/jingle/xep_0166.ts";
import type { XmlElement } from "../src/protocol/xml.ts";
import { fromDom, toDom } from "../src/xmpp/dom.ts";

export const VECTORS = join(import.meta.dirname, "../../tests/vectors");

export function read(path: string): string {
  return readFileSync(join(VECTORS, path), "utf8");
}

/** Paths of the files in a folder of the vectors that end with `suffix`, sorted. */
export function list(folder: string, suffix: string): string[] {
  return readdirSync(join(VECTORS, folder))
    .filter((name) => name.endsWith(suffix))
    .sort()
    .map((name) => `${folder}/${name}`);
}

export function parseXml(text: string): XmlElement {
  const root = new DOMParser().parseFromString(text, "text/xml").documentElement;
  if (root === null) throw new Error("no root element");
  return fromDom(root as unknown as Element);
}

export function serialize(value: XmlElement): string {
  const document = new DOMParser().parseFromString("<x/>", "text/xml") as unknown as Document;
  const node = toDom(document, value, null);
  return new XMLSerializer().serializeToString(node as never);
}

/** Send a Jingle element as text and read it again. */
export function overTheWire(value: Jingle): Jingle {
  return parseJingle(parseXml(serialize(buildJingle(value))));
}
