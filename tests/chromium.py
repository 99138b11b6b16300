"""How tests start Chromium: Debian's, with nothing in it that goes to the network by itself."""

PROGRAM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
# WebSockets go by the browser's own list of authorities, whatever a context of Playwright's allows.
TRUSTING = (*FLAGS, "--ignore-certificate-errors")
