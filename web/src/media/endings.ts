/** Why a call ended, in words. */

import { Problem } from "../problem.ts";
import { BridgeError } from "../protocol/errors.ts";
import type { Reason, ReasonCondition } from "../protocol/jingle/xep_0166.ts";

export interface Ending {
  /** One sentence for people. */
  readonly message: string;
  /** What helps; empty when nothing went wrong. */
  readonly remedy: string;
  /** What the other side said about it, in its own words. */
  readonly detail?: string | undefined;
  /** Whether this is how a call should end. */
  readonly normal: boolean;
}

const AGAIN = "Try again in a moment.";
const NETWORK = "Check your network; a firewall may block the call. Then call again.";

const BY_PEER: Readonly<Record<ReasonCondition, readonly [message: string, remedy: string]>> = {
  "alternative-session": ["The call goes on in another session.", ""],
  busy: ["The other side is busy.", AGAIN],
  cancel: ["The call was cancelled.", ""],
  "connectivity-error": ["No connection for sound and picture could be made.", NETWORK],
  decline: ["The call was declined.", ""],
  expired: ["The call lasted as long as it may.", "Call again to go on."],
  "failed-application": ["The other side could not handle the sound or picture.", AGAIN],
  "failed-transport": ["The connection for sound and picture failed.", NETWORK],
  "general-error": ["Something went wrong on the other side.", AGAIN],
  gone: ["The other side is gone.", AGAIN],
  "incompatible-parameters": ["The two sides found no common format.", "Call with sound only."],
  "media-error": ["The other side could not handle the sound or picture.", AGAIN],
  "security-error": ["The encryption of the call could not be verified.", AGAIN],
  success: ["The other side hung up.", ""],
  timeout: ["The other side did not answer in time.", AGAIN],
  "unsupported-applications": [
    "The other side cannot take calls of this kind.",
    "Call with sound only.",
  ],
  "unsupported-transports": ["The two sides found no common way to connect.", AGAIN],
};

const NORMAL: readonly ReasonCondition[] = ["success", "cancel", "decline", "alternative-session"];

/** The peer ended the session. */
export function endedByPeer({ condition, text }: Reason): Ending {
  const [message, remedy] = BY_PEER[condition];
  const detail = text === undefined || text === "" ? undefined : text.slice(0, 300);
  return { message, remedy, detail, normal: NORMAL.includes(condition) };
}

/** We hung up. */
export const HUNG_UP: Ending = { message: "You hung up.", remedy: "", normal: true };

/** Something failed here. */
export function endedByError(error: unknown): Ending {
  if (error instanceof Problem) {
    const { message, remedy, detail } = error;
    return { message, remedy, detail, normal: false };
  }
  const message =
    error instanceof BridgeError
      ? "The other side sent something that makes no sense here."
      : "The browser could not set up the call.";
  return { message, remedy: AGAIN, normal: false };
}

export const NO_ANSWER: Ending = { message: BY_PEER.timeout[0], remedy: AGAIN, normal: false };

export const NO_CONNECTION: Ending = {
  message: BY_PEER["connectivity-error"][0],
  remedy: NETWORK,
  normal: false,
};
