"""Runs the web platform tests in real workers: see ``__main__``."""
