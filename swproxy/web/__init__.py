"""The web platform: one folder per specification, with its JavaScript half and its host half (``ops.py``)."""
