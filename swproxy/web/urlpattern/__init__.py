"""URL Pattern Standard."""
