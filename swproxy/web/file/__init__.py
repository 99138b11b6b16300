"""File API."""
