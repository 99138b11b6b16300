"""The network as workers reach it. The proxy process owns it, so that "offline" is true for everyone."""
