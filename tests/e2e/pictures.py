"""Pictures that a page paints instead of showing its camera.

Each is the body of a JavaScript function ``(context, width, height, seconds)``.
"""

NOISE = """
  const noise = new Uint32Array(width * height);
  for (let at = 0; at < noise.length; at += 1) {
    noise[at] = (Math.random() * 0xffffffff) | 0xff000000;
  }
  const bytes = new Uint8ClampedArray(noise.buffer);
  context.putImageData(new ImageData(bytes, width, height), 0, 0);
"""
"""What no encoder can make small."""

LANDSCAPE = """
  const gradient = (y0, y1, ...stops) => {
    const made = context.createLinearGradient(0, y0 * height, 0, y1 * height);
    stops.forEach((colour, index) => made.addColorStop(index / (stops.length - 1), colour));
    return made;
  };
  const fill = (style, draw) => {
    context.fillStyle = style;
    context.beginPath();
    draw();
    context.fill();
  };
  const circle = (x, y, radius) => context.arc(x, y, radius, 0, 2 * Math.PI);
  const hills = (base, size, length, shift, style) => fill(style, () => {
    context.moveTo(0, height);
    for (let x = 0; x <= width; x += 4) {
      const at = x / width * length + shift;
      const y = base - size * (0.6 * Math.sin(at) + 0.4 * Math.sin(2.3 * at + 1));
      context.lineTo(x, y * height);
    }
    context.lineTo(width, height);
  });
  const drift = seconds / 20;
  fill(gradient(0, 0.75, '#26336f', '#7a5c9e', '#f0937d', '#ffd9a0'), () =>
    context.rect(0, 0, width, height));
  fill('rgb(255 244 214 / 25%)', () => circle(width * 0.74, height * 0.48, height * 0.17));
  fill('#fff1cf', () => circle(width * 0.74, height * 0.48, height * 0.1));
  hills(0.62, 0.07, 7, drift, '#8d6aa0');
  hills(0.7, 0.06, 9, 2 + 2 * drift, '#5f4c86');
  hills(0.8, 0.05, 11, 4 + 3 * drift, '#3b3569');
  const [x, nod] = [width * 0.42, height * 0.008 * Math.sin(2 * seconds)];
  const head = height * 0.5 + nod;
  fill(gradient(0.68, 1, '#3fb6a8', '#1f6f80'), () =>
    context.roundRect(x - height * 0.3, height * 0.72, height * 0.6, height * 0.5, height * 0.2));
  fill('#e0a882', () => context.roundRect(
    x - height * 0.055, head + height * 0.1, height * 0.11, height * 0.16, height * 0.05));
  fill('#f4c7a1', () => context.ellipse(x, head, height * 0.13, height * 0.16, 0, 0, 2 * Math.PI));
  fill('#4a2c3d', () => {
    context.ellipse(x, head - height * 0.055, height * 0.145, height * 0.13, 0, Math.PI, 0);
    context.quadraticCurveTo(
      x + height * 0.06, head - height * 0.12, x - height * 0.145, head - height * 0.055);
  });
  for (const side of [-1, 1]) {
    fill('#3a2a35', () => circle(x + side * height * 0.05, head + height * 0.005, height * 0.014));
  }
  context.strokeStyle = '#a3544d';
  context.lineWidth = height * 0.012;
  context.lineCap = 'round';
  context.beginPath();
  context.arc(x, head + height * 0.035, height * 0.055, 0.2 * Math.PI, 0.8 * Math.PI);
  context.stroke();
"""
"""Somebody in front of hills in the evening."""

GRAIN = (
    LANDSCAPE
    + """
  for (let count = 0; count < 300; count += 1) {
    const shade = Math.floor(256 * Math.random());
    context.fillStyle = `rgb(${shade} ${shade} ${shade} / 20%)`;
    context.fillRect(width * Math.random(), height * Math.random(), 8, 8);
  }
"""
)
"""The same with as much to encode as a real camera's picture has."""


def source_of(picture: str, width: int, height: int, rate: int = 30) -> str:
    """JavaScript that makes the page's next calls show this picture, with the real microphone."""
    return f"""(() => {{
      const paint = (context, width, height, seconds) => {{ {picture} }};
      window.jinglebridge.mediaSource = async ({{ audio }}) => {{
        const stream = await navigator.mediaDevices.getUserMedia({{ audio }});
        const canvas = document.createElement('canvas');
        [canvas.width, canvas.height] = [{width}, {height}];
        const context = canvas.getContext('2d');
        const [track] = canvas.captureStream({rate}).getVideoTracks();
        const timer = setInterval(() => {{
          if (track.readyState === 'ended') clearInterval(timer);
          else paint(context, {width}, {height}, performance.now() / 1000);
        }}, 1000 / {rate});
        // Noise is too much for any rate: an encoder that may would send a smaller picture.
        track.contentHint = 'detail';
        stream.addTrack(track);
        return stream;
      }};
    }})()"""
