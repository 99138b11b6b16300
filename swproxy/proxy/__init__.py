"""The side that speaks to clients: mitmproxy, and nothing else of swproxy imports it."""
