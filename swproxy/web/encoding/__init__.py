"""Encoding Standard."""
