const VERSION = "@version@";

self.addEventListener("message", (event) => {
  if (event.data.type === "GET_VERSION") {
    event.ports[0].postMessage(VERSION);
  }
});
