/** XEP-0338 1.0.0: groups of contents, as BUNDLE. */
import { element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";

export interface Group {
  readonly semantics: string;
  /** Content names, in the group's order. */
  readonly contents: readonly string[];
}

const xmlns = NS.grouping;

export function parseGroups(jingle: XmlElement): Group[] {
  return boundedChildren(jingle, "group", xmlns).map((group) => ({
    semantics: group.attrs.semantics ?? "",
    contents: boundedChildren(group, "content", xmlns).map((content) => content.attrs.name ?? ""),
  }));
}

export function buildGroup({ semantics, contents }: Group): XmlElement {
  return element(
    "group",
    { xmlns, attrs: { semantics } },
    contents.map((name) => element("content", { attrs: { name } })),
  );
}
