const { HttpResponse, http, passthrough, setupWorker } = MockServiceWorker;

const worker = setupWorker(
  http.get("/api/user", () => HttpResponse.json({ name: "mocked" })),
  http.post("/api/orders/:id", async ({ params, request }) => {
    const order = { id: params.id, sent: await request.json() };
    return HttpResponse.json(order, { status: 201, headers: { "X-Mocked": "yes" } });
  }),
  http.get("/api/stream", () => {
    const encoder = new TextEncoder();
    let count = 0;
    const body = new ReadableStream({
      pull(controller) {
        count += 1;
        controller.enqueue(encoder.encode(`part ${count};`));
        if (count === 3) {
          controller.close();
        }
      },
    });
    return new HttpResponse(body, { headers: { "Content-Type": "text/plain" } });
  }),
  http.get("/api/broken", () => HttpResponse.error()),
  http.get("/api/through", () => passthrough()),
  http.get("https://api.example/user", () => HttpResponse.json({ name: "mocked elsewhere" })),
);
const events = [];
for (const type of ["response:mocked", "response:bypass"]) {
  worker.events.on(type, async ({ request, response }) => {
    events.push(`${type} ${new URL(request.url).pathname} ${await response.clone().text()}`);
  });
}

/** What an application's request gives: status and text, or the error's name. */
function asked(url, options) {
  return fetch(url, options).then(
    async (response) => `${response.status} ${await response.text()}`,
    (error) => error.name,
  );
}
