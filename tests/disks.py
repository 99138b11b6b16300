"""Disks without room."""

import errno
from pathlib import Path


def fill(directory: Path) -> Path:
    """Takes all the room there is; the file that has it."""
    path = directory / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise
    return path
