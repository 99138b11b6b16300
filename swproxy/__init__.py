"""swproxy: a local HTTPS intercepting proxy that runs service workers outside the browser."""

__version__ = "0.1.0"
