/** A few figures of a call, from getStats. */

export interface CallStats {
  /** Video frames of the other side decoded so far. */
  readonly framesDecoded: number;
  /** Pixels of the picture received. */
  readonly frameWidth: number;
  readonly frameHeight: number;
  /** Energy of the sound received so far (W3C webrtc-stats totalAudioEnergy). */
  readonly totalAudioEnergy: number;
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** bit/s since the call of readStats before; 0 the first time. */
  readonly outboundBitrate: number;
  readonly inboundBitrate: number;
  /** Round trip time of the pair in use, ms. */
  readonly roundTripTime: number | undefined;
  /** ms since the epoch. */
  readonly timestamp: number;
}

type Entry = Record<string, unknown> & { readonly type: string };

/** Read the figures; `before` is the reading to measure bit rates against. */
export async function readStats(pc: RTCPeerConnection, before?: CallStats): Promise<CallStats> {
  const report = await pc.getStats();
  const entries: Entry[] = [];
  report.forEach((entry: Entry) => {
    entries.push(entry);
  });
  const total = (type: string, field: string, kind?: string) =>
    entries
      .filter((entry) => entry.type === type && (kind === undefined || entry.kind === kind))
      .reduce((sum, entry) => sum + numeric(entry[field]), 0);
  const pair = entries.find((entry) => entry.type === "candidate-pair" && entry.nominated === true);
  const timestamp = Date.now();
  const seconds = before === undefined ? 0 : (timestamp - before.timestamp) / 1000;
  const rate = (now: number, then: number | undefined) =>
    seconds > 0 && then !== undefined ? (8 * (now - then)) / seconds : 0;
  const bytesSent = total("outbound-rtp", "bytesSent");
  const bytesReceived = total("inbound-rtp", "bytesReceived");
  const roundTrip = numeric(pair?.currentRoundTripTime);
  return {
    framesDecoded: total("inbound-rtp", "framesDecoded", "video"),
    frameWidth: total("inbound-rtp", "frameWidth", "video"),
    frameHeight: total("inbound-rtp", "frameHeight", "video"),
    totalAudioEnergy: total("inbound-rtp", "totalAudioEnergy", "audio"),
    bytesSent,
    bytesReceived,
    outboundBitrate: rate(bytesSent, before?.bytesSent),
    inboundBitrate: rate(bytesReceived, before?.bytesReceived),
    roundTripTime: roundTrip > 0 ? roundTrip * 1000 : undefined,
    timestamp,
  };
}

function numeric(value: unknown): number {
  return typeof value === "number" ? value : 0;
}
