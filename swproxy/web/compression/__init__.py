"""Compression Standard."""
