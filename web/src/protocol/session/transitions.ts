/**
 * What is legal when: XEP-0166 §5.1. Tables only; everything that affects the state is here.
 *
 * An action that has no row anywhere is one we do not speak (feature-not-implemented); one that has a
 * row elsewhere came at the wrong time (out-of-order).
 */
import { OutOfOrder, UnknownSession, UnsupportedAction } from "../errors.ts";
import { otherRole, type Role } from "../jingle/senders.ts";
import type { Action } from "../jingle/xep_0166.ts";

export type State = "new" | "pending" | "active" | "ended";

interface Row {
  readonly from: State;
  readonly action: Action;
  /** Who may send it. */
  readonly by: Role | "both";
  readonly to: State;
}

export const TRANSITIONS: readonly Row[] = [
  { from: "new", action: "session-initiate", by: "initiator", to: "pending" },
  { from: "pending", action: "session-accept", by: "responder", to: "active" },
  { from: "pending", action: "session-info", by: "both", to: "pending" },
  { from: "pending", action: "transport-info", by: "both", to: "pending" },
  { from: "pending", action: "session-terminate", by: "both", to: "ended" },
  { from: "active", action: "session-info", by: "both", to: "active" },
  { from: "active", action: "transport-info", by: "both", to: "active" },
  { from: "active", action: "session-terminate", by: "both", to: "ended" },
];

/** The state after `by` sends `action`, or `undefined` if it may not. */
export function after(state: State, action: Action, by: Role): State | undefined {
  return TRANSITIONS.find(
    (row) => row.from === state && row.action === action && (row.by === "both" || row.by === by),
  )?.to;
}

/** The state after the peer's `action`. Raises the error that the peer has to get. */
export function afterReceived(state: State, action: Action, ours: Role): State {
  if (!TRANSITIONS.some((row) => row.action === action)) {
    throw new UnsupportedAction(`${action} is not supported`);
  }
  if (state === "ended") throw new UnknownSession("the session has ended");
  const next = after(state, action, otherRole(ours));
  if (next === undefined) throw new OutOfOrder(`${action} while the session is ${state}`);
  return next;
}
