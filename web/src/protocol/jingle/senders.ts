/** XEP-0166 §7.3: who sends, seen from the initiator; SDP says it from the writer's side. */
import { MalformedStanza } from "../errors.ts";
import type { Direction } from "../sdp/description.ts";

export const SENDERS = ["both", "initiator", "responder", "none"] as const;
export type Senders = (typeof SENDERS)[number];
export type Role = "initiator" | "responder";

/** The attribute as sent; absent stays absent (which means both). Raises MalformedStanza. */
export function optionalSenders(value: string | undefined): Senders | undefined {
  if (value === undefined) return undefined;
  const senders = SENDERS.find((known) => known === value);
  if (senders === undefined) throw new MalformedStanza("unknown value of senders");
  return senders;
}

export function otherRole(role: Role): Role {
  return role === "initiator" ? "responder" : "initiator";
}

/** `writer` is the role of the side whose SDP holds the direction. */
export function sendersOf(direction: Direction, writer: Role): Senders {
  switch (direction) {
    case "sendrecv":
      return "both";
    case "inactive":
      return "none";
    case "sendonly":
      return writer;
    case "recvonly":
      return otherRole(writer);
  }
}

/** The reverse of sendersOf. */
export function directionFor(senders: Senders, writer: Role): Direction {
  if (senders === "both") return "sendrecv";
  if (senders === "none") return "inactive";
  return senders === writer ? "sendonly" : "recvonly";
}
