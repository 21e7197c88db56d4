/** The picture of the fake camera, for sizes that Chromium's own fake device does not offer. */

import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { finished } from "node:stream/promises";

const FRAMES = 30;

/** One I420 frame: a gradient that drifts, with a bright square that crosses it. */
function frame(width, height, index) {
  const halfWidth = width / 2;
  const halfHeight = height / 2;
  const pixels = Buffer.alloc(width * height + 2 * halfWidth * halfHeight, 128);
  const side = Math.floor(height / 4);
  const left = Math.floor(((width - side) * index) / FRAMES);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const inSquare = x >= left && x < left + side && y >= side && y < 2 * side;
      pixels[y * width + x] = inSquare ? 235 : 40 + ((x + y + index * 4) % 120);
    }
  }
  const chroma = 64 + Math.floor((index * 128) / FRAMES);
  pixels.fill(chroma, width * height, width * height + halfWidth * halfHeight);
  return pixels;
}

/**
 * Writes one loop of the picture as YUV4MPEG2.
 *
 * @param {string} path file to write
 * @param {{width: number, height: number, fps: number}} size even pixels, frames per second
 */
export async function writeMovingPicture(path, { width, height, fps }) {
  if (width % 2 !== 0 || height % 2 !== 0) {
    throw new Error(`the fake camera needs an even width and height, not ${width}x${height}`);
  }
  const file = createWriteStream(path);
  file.write(`YUV4MPEG2 W${width} H${height} F${fps}:1 Ip A1:1 C420jpeg\n`);
  for (let index = 0; index < FRAMES; index += 1) {
    file.write("FRAME\n");
    if (!file.write(frame(width, height, index))) {
      await once(file, "drain");
    }
  }
  file.end();
  await finished(file);
}
