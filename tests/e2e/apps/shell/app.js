if ("serviceWorker" in navigator) {
  window.addEventListener("load", () => navigator.serviceWorker.register("/sw.js"));
}

fetch("/api/items")
  .then((response) => response.json())
  .then((items) => (document.querySelector("#items").textContent = items.join(" ")));
