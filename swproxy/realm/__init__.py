"""Inside a worker process: the JavaScript engine, the platform around it, and the event loop."""
