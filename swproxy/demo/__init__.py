"""A small offline-capable site, and a walk through it with the network on and off."""
