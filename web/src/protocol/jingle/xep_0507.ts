/** XEP-0507 0.1.0: what a stream shows, as `slides`; what RFC 4796's `a=content` says. */
import { element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";

const xmlns = NS.category;

/** The names, in order. */
export function parseCategories(description: XmlElement): string[] {
  return boundedChildren(description, "category", xmlns).map(({ attrs: { name = "" } }) => name);
}

export function buildCategory(name: string): XmlElement {
  return element("category", { xmlns, attrs: { name } });
}
