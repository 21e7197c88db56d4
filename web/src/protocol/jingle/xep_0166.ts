/** XEP-0166 1.1.2: the `<jingle/>` element. Foreign application and transport formats stay elements. */
import { MalformedStanza } from "../errors.ts";
import { LIMITS } from "../limits.ts";
import { childOf, childrenOf, element, elements, textOf, type XmlElement } from "../xml.ts";
import { NS } from "./namespaces.ts";
import { optionalSenders, type Role, type Senders } from "./senders.ts";
import { buildRtpDescription, parseRtpDescription, type RtpDescription } from "./xep_0167.ts";
import { buildTransport, type IceUdpTransport, parseTransport } from "./xep_0176.ts";
import { buildGroup, type Group, parseGroups } from "./xep_0338.ts";

export const ACTIONS = [
  "content-accept",
  "content-add",
  "content-modify",
  "content-reject",
  "content-remove",
  "description-info",
  "security-info",
  "session-accept",
  "session-info",
  "session-initiate",
  "session-terminate",
  "transport-accept",
  "transport-info",
  "transport-reject",
  "transport-replace",
] as const;
export type Action = (typeof ACTIONS)[number];

/** XEP-0166 §7.4. Others may come; they are kept as they are. */
export const REASONS = [
  "alternative-session",
  "busy",
  "cancel",
  "connectivity-error",
  "decline",
  "expired",
  "failed-application",
  "failed-transport",
  "general-error",
  "gone",
  "incompatible-parameters",
  "media-error",
  "security-error",
  "success",
  "timeout",
  "unsupported-applications",
  "unsupported-transports",
] as const;
export type ReasonCondition = (typeof REASONS)[number];

export interface Reason {
  readonly condition: ReasonCondition;
  readonly text?: string | undefined;
}

export type Description =
  | { readonly kind: "rtp"; readonly rtp: RtpDescription }
  | { readonly kind: "data" }
  | { readonly kind: "unknown" };

export interface Content {
  readonly creator: Role;
  readonly name: string;
  /** Absent: not written, which means both (§7.3). */
  readonly senders?: Senders | undefined;
  readonly description?: Description | undefined;
  readonly transport?: IceUdpTransport | undefined;
  /** SDP lines that no XEP can express. */
  readonly residue: readonly string[];
}

export interface Jingle {
  readonly action: Action;
  readonly sid: string;
  readonly initiator?: string | undefined;
  readonly responder?: string | undefined;
  readonly groups: readonly Group[];
  readonly contents: readonly Content[];
  readonly reason?: Reason | undefined;
  /** Payloads of a session-info. */
  readonly payloads: readonly XmlElement[];
  readonly residue: readonly string[];
}

const xmlns = NS.jingle;

/** A Jingle element with nothing but an action and a session. */
export function jingle(
  action: Action,
  sid: string,
  parts: Partial<Omit<Jingle, "action" | "sid">> = {},
): Jingle {
  return { action, sid, groups: [], contents: [], payloads: [], residue: [], ...parts };
}

function parseResidue(parent: XmlElement): string[] {
  const residue = childOf(parent, "residue", NS.residue);
  if (residue === undefined) return [];
  const lines = textOf(residue).split("\n");
  if (lines.length > LIMITS.residueLines) throw new MalformedStanza("too many residue lines");
  return lines.map((line) => line.trimStart()).filter((line) => line !== "");
}

function buildResidue(lines: readonly string[]): XmlElement | undefined {
  return lines.length === 0
    ? undefined
    : element("residue", { xmlns: NS.residue }, [lines.join("\n")]);
}

function parseDescription(content: XmlElement): Description | undefined {
  const description = elements(content).find((child) => child.name === "description");
  if (description === undefined) return undefined;
  if (description.xmlns === NS.rtp) return { kind: "rtp", rtp: parseRtpDescription(description) };
  return { kind: description.xmlns === NS.dataChannel ? "data" : "unknown" };
}

function parseContent(content: XmlElement): Content {
  const { creator = "initiator", name = "" } = content.attrs;
  if (creator !== "initiator" && creator !== "responder") {
    throw new MalformedStanza("unknown value of creator");
  }
  if (name === "") throw new MalformedStanza("a content has no name");
  const transport = childOf(content, "transport", NS.iceUdp);
  return {
    creator,
    name,
    senders: optionalSenders(content.attrs.senders),
    description: parseDescription(content),
    transport: transport === undefined ? undefined : parseTransport(transport),
    residue: parseResidue(content),
  };
}

function buildDescription(description: Description | undefined): XmlElement | undefined {
  if (description?.kind === "rtp") return buildRtpDescription(description.rtp);
  return description === undefined ? undefined : element("description", { xmlns: NS.dataChannel });
}

function buildContent(content: Content): XmlElement {
  const { creator, name, senders, description, transport, residue } = content;
  return element("content", { attrs: { creator, name, senders } }, [
    buildDescription(description),
    transport === undefined ? undefined : buildTransport(transport),
    buildResidue(residue),
  ]);
}

function parseReason(parent: XmlElement): Reason | undefined {
  const reason = childOf(parent, "reason", xmlns);
  if (reason === undefined) return undefined;
  const condition = REASONS.find((known) => childOf(reason, known, xmlns) !== undefined);
  const text = childOf(reason, "text", xmlns);
  return {
    // §7.4: a receiver treats a condition that it does not know as a general one.
    condition: condition ?? "general-error",
    text: text === undefined ? undefined : textOf(text).trim().slice(0, LIMITS.characters),
  };
}

function buildReason({ condition, text }: Reason): XmlElement {
  return element("reason", {}, [
    element(condition),
    text === undefined ? undefined : element("text", {}, [text]),
  ]);
}

/** Read `<jingle/>`. Raises MalformedStanza. */
export function parseJingle(root: XmlElement): Jingle {
  const { action: word, sid = "", initiator, responder } = root.attrs;
  const action = ACTIONS.find((known) => known === word);
  if (action === undefined) throw new MalformedStanza("unknown Jingle action");
  if (sid === "") throw new MalformedStanza("no session id");
  const contents = childrenOf(root, "content", xmlns);
  if (contents.length > LIMITS.contents) throw new MalformedStanza("too many contents");
  return {
    action,
    sid,
    initiator,
    responder,
    groups: parseGroups(root),
    contents: contents.map(parseContent),
    reason: parseReason(root),
    payloads: action === "session-info" ? elements(root) : [],
    residue: parseResidue(root),
  };
}

/** Write `<jingle/>`; the groups come first, as Movim wants them. */
export function buildJingle(value: Jingle): XmlElement {
  const { action, sid, initiator, responder, groups, contents, reason, payloads, residue } = value;
  return element("jingle", { xmlns, attrs: { action, sid, initiator, responder } }, [
    ...groups.map(buildGroup),
    ...contents.map(buildContent),
    reason === undefined ? undefined : buildReason(reason),
    ...payloads,
    buildResidue(residue),
  ]);
}
