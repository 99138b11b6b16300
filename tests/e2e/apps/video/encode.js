/** A second of each colour, ten frames each, as VP8: the seconds' frames as arrays of bytes. */
async function encode(width, height, colours) {
  const seconds = [];
  const encoder = new VideoEncoder({
    output(chunk) {
      const bytes = new Uint8Array(chunk.byteLength);
      chunk.copyTo(bytes);
      if (chunk.type === "key") {
        seconds.push([]);
      }
      seconds.at(-1).push([...bytes]);
    },
    error(error) {
      throw error;
    },
  });
  encoder.configure({ codec: "vp8", width, height });
  const context = new OffscreenCanvas(width, height).getContext("2d");
  for (const [second, colour] of colours.entries()) {
    context.fillStyle = `rgb(${colour})`;
    context.fillRect(0, 0, width, height);
    for (let index = 0; index < 10; index += 1) {
      const frame = new VideoFrame(context.canvas, { timestamp: (second + index / 10) * 1e6 });
      encoder.encode(frame, { keyFrame: index === 0 });
      frame.close();
    }
  }
  await encoder.flush();
  return seconds;
}
