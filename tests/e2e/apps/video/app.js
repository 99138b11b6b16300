const video = document.querySelector("#video");

/** Waits for an event of the video; fails with what the video says. */
function happens(type) {
  return new Promise((resolve, reject) => {
    video.addEventListener(type, resolve, { once: true });
    video.addEventListener("error", () => reject(new Error(video.error.message)), { once: true });
  });
}

/** Red, green and blue of the frame that is shown, in hundreds: encoding changes them a little. */
function colour() {
  const context = document.createElement("canvas").getContext("2d");
  context.drawImage(video, 0, 0, 1, 1);
  return [...context.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => Math.round(part / 100) * 100);
}

async function prepare() {
  const loaded = happens("loadeddata");
  video.src = "clip.webm";
  await loaded;
  return video.duration;
}

async function playToTheEnd() {
  const ended = happens("ended");
  video.playbackRate = 8;
  await video.play();
  await ended;
}

async function seek(time) {
  const done = happens("seeked");
  video.currentTime = time;
  await done;
}
