/**
 * One tree of errors; each class carries what goes on the wire.
 *
 *     BridgeError
 *     ├── RemoteProtocolError        the peer's fault, answered with an IQ error
 *     │   ├── MalformedStanza        bad-request
 *     │   ├── UnknownSession         item-not-found + unknown-session
 *     │   ├── OutOfOrder             unexpected-request + out-of-order
 *     │   ├── UnsupportedInfo        feature-not-implemented + unsupported-info
 *     │   └── UnsupportedAction      feature-not-implemented
 *     ├── LocalProtocolError         our own call in the wrong state
 *     └── SdpError                   text that is not SDP, with its line number
 */
export class BridgeError extends Error {
  override get name(): string {
    return this.constructor.name;
  }
}

/** How a stanza error is written: RFC 6120 §8.3 and XEP-0166 §10. */
export interface WireError {
  readonly type: "cancel" | "modify" | "wait";
  readonly condition: string;
  readonly jingleCondition?: string;
}

export abstract class RemoteProtocolError extends BridgeError {
  abstract readonly wire: WireError;
}

export class MalformedStanza extends RemoteProtocolError {
  readonly wire = { type: "modify", condition: "bad-request" } as const;
}

export class UnknownSession extends RemoteProtocolError {
  readonly wire = {
    type: "cancel",
    condition: "item-not-found",
    jingleCondition: "unknown-session",
  } as const;
}

export class OutOfOrder extends RemoteProtocolError {
  readonly wire = {
    type: "wait",
    condition: "unexpected-request",
    jingleCondition: "out-of-order",
  } as const;
}

export class UnsupportedInfo extends RemoteProtocolError {
  readonly wire = {
    type: "modify",
    condition: "feature-not-implemented",
    jingleCondition: "unsupported-info",
  } as const;
}

export class UnsupportedAction extends RemoteProtocolError {
  readonly wire = { type: "cancel", condition: "feature-not-implemented" } as const;
}

export class LocalProtocolError extends BridgeError {}

export class SdpError extends BridgeError {
  readonly lineNumber: number | undefined;

  constructor(message: string, lineNumber?: number) {
    super(lineNumber === undefined ? message : `${message} (line ${lineNumber})`);
    this.lineNumber = lineNumber;
  }
}
