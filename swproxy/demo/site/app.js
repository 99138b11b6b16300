const clock = document.getElementById("clock");
fetch("/api/time")
  .then((response) => response.json())
  .then(
    ({ time }) => (clock.textContent = time),
    () => (clock.textContent = "no answer"),
  );
