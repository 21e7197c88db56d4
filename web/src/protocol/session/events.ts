/** What the peer did, as the session's owner needs to know it. */
import type { Reason } from "../jingle/xep_0166.ts";
import type { RtpInfo } from "../jingle/xep_0167.ts";
import type { TrickledCandidate } from "../mapping/candidates.ts";
import type { Answer, Offer } from "../sdp/description.ts";

export type SessionEvent =
  | { readonly type: "offerReceived"; readonly offer: Offer }
  | { readonly type: "answerReceived"; readonly answer: Answer }
  | { readonly type: "candidateReceived"; readonly candidate: TrickledCandidate }
  | { readonly type: "infoReceived"; readonly info: RtpInfo }
  | { readonly type: "sessionEnded"; readonly reason: Reason };
