/** XEP-0339 1.0.1: sources and groups of sources. */
import { element, type XmlElement } from "../xml.ts";
import { boundedChildren } from "./bounded.ts";
import { NS } from "./namespaces.ts";

export interface SourceParameter {
  readonly name: string;
  /** Absent for one that is a mere name. */
  readonly value?: string | undefined;
}

export interface Source {
  readonly ssrc: string;
  readonly parameters: readonly SourceParameter[];
}

export interface SourceGroup {
  readonly semantics: string;
  readonly ssrcs: readonly string[];
}

const xmlns = NS.sources;

export function parseSources(description: XmlElement): Source[] {
  return boundedChildren(description, "source", xmlns).map((source) => ({
    ssrc: source.attrs.ssrc ?? "",
    parameters: boundedChildren(source, "parameter", xmlns).map(
      ({ attrs: { name = "", value } }) => ({ name, value }),
    ),
  }));
}

export function buildSource({ ssrc, parameters }: Source): XmlElement {
  return element(
    "source",
    { xmlns, attrs: { ssrc } },
    parameters.map(({ name, value }) => element("parameter", { attrs: { name, value } })),
  );
}

export function parseSourceGroups(description: XmlElement): SourceGroup[] {
  return boundedChildren(description, "ssrc-group", xmlns).map((group) => ({
    semantics: group.attrs.semantics ?? "",
    ssrcs: boundedChildren(group, "source", xmlns).map((source) => source.attrs.ssrc ?? ""),
  }));
}

export function buildSourceGroup({ semantics, ssrcs }: SourceGroup): XmlElement {
  return element(
    "ssrc-group",
    { xmlns, attrs: { semantics } },
    ssrcs.map((ssrc) => element("source", { attrs: { ssrc } })),
  );
}
