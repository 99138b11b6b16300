"""The supervising side of the worker processes."""
