"""The host half of what the language itself needs."""

import os
import struct
from typing import Any


def op_random_seed(realm: Any) -> list[int]:
    """Four random 32-bit numbers."""
    return list(struct.unpack("4I", os.urandom(16)))
