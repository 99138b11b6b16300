"""The control API: HTTP on a Unix socket in the profile, for the command line and for test suites."""
