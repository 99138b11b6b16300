"""The model of the Service Workers specification (https://w3c.github.io/ServiceWorker/, draft of 2026-07-23).

Pure: nothing here does I/O, sleeps or looks at a clock. The algorithms that must wait are generators: they yield
an effect (``effects.py``) and are sent its result.
"""
