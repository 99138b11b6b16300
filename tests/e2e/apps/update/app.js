const wb = new workbox.Workbox("/app/sw.js");
const seen = [];

for (const type of ["installed", "waiting", "activated", "controlling"]) {
  wb.addEventListener(type, (event) => seen.push(event.isUpdate ? `${type} (update)` : type));
}
wb.addEventListener("waiting", () => {
  document.querySelector("#prompt").hidden = false;
});
wb.addEventListener("controlling", (event) => {
  if (event.isUpdate || event.isExternal) {
    window.location.reload();
  }
});
wb.addEventListener("message", (event) => {
  if (event.data.type === "CACHE_UPDATED") {
    seen.push(`updated ${event.data.payload.updatedURL}`);
  }
});
document.querySelector("#accept").addEventListener("click", () => wb.messageSkipWaiting());
const registered = wb.register();
