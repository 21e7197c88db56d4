/** Microphone and camera, with errors in words. */
import { Problem } from "../problem.ts";

export type CallMedia = "audio" | "video";

/** Where the pictures and sounds come from; tests put another one in. */
export type MediaSource = (constraints: MediaStreamConstraints) => Promise<MediaStream>;

export type CaptureFailure =
  | "insecure-context"
  | "unsupported"
  | "permission-denied"
  | "not-found"
  | "in-use"
  | "overconstrained"
  | "aborted"
  | "failed";

/** No microphone or camera could be had; `kind` says why, for programs. */
export class CaptureError extends Problem {
  readonly kind: CaptureFailure;

  constructor(kind: CaptureFailure, message: string, remedy: string, options?: ErrorOptions) {
    super(message, remedy, options);
    this.kind = kind;
  }
}

const VIDEO: MediaTrackConstraints = {
  width: { ideal: 1280 },
  height: { ideal: 720 },
  frameRate: { ideal: 30 },
};

/** The browser's own devices. Raises CaptureError. */
export async function browserSource(constraints: MediaStreamConstraints): Promise<MediaStream> {
  if (!window.isSecureContext) {
    throw new CaptureError(
      "insecure-context",
      "The browser gives no microphone or camera to this page, because it did not come over HTTPS.",
      "Open the page with https:// in front, or on this computer as http://localhost.",
    );
  }
  if (navigator.mediaDevices?.getUserMedia === undefined) {
    throw new CaptureError(
      "unsupported",
      "This browser has no access to microphones and cameras.",
      "Use a current Firefox, Chromium, Edge or Safari.",
    );
  }
  return navigator.mediaDevices.getUserMedia(constraints);
}

/** Ask for what a call needs. Raises CaptureError. */
export async function capture(media: CallMedia, source: MediaSource): Promise<MediaStream> {
  const video = media === "video";
  try {
    return await source({ audio: true, video: video ? VIDEO : false });
  } catch (error) {
    throw error instanceof CaptureError ? error : captureError(error, video);
  }
}

/** What a DOMException of getUserMedia means (Media Capture and Streams §10.2). */
export function captureError(error: unknown, video: boolean): CaptureError {
  const what = video ? "microphone or camera" : "microphone";
  const audioOnly = video ? " You can also call with sound only." : "";
  const failure = (kind: CaptureFailure, message: string, remedy: string) =>
    new CaptureError(kind, message, remedy, { cause: error });
  switch (error instanceof Error ? error.name : "") {
    case "NotAllowedError":
      return failure(
        "permission-denied",
        `The browser may not use your ${what}.`,
        "Allow it with the symbol beside the page's address, then call again.",
      );
    case "SecurityError":
      return failure(
        "permission-denied",
        `The browser's settings forbid this page the ${what}.`,
        "Allow it in the browser's privacy settings, then call again.",
      );
    case "NotFoundError":
      return failure(
        "not-found",
        `No ${what} was found.`,
        `Connect one and call again.${audioOnly}`,
      );
    case "NotReadableError":
      return failure(
        "in-use",
        `Your ${what} cannot be read; another program may be using it.`,
        `Close the other program and call again.${audioOnly}`,
      );
    case "OverconstrainedError":
      return failure(
        "overconstrained",
        `Your ${what} cannot deliver what a call needs.`,
        `Choose another device in the browser's settings.${audioOnly}`,
      );
    case "AbortError":
      return failure(
        "aborted",
        `Your ${what} stopped while starting.`,
        "Unplug it, plug it in again and call again.",
      );
    default:
      return failure(
        "failed",
        `Your ${what} could not be started.`,
        `Reload the page and call again.${audioOnly}`,
      );
  }
}
