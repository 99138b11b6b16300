"""URL Standard."""
