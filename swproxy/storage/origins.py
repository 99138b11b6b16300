"""Where the caches, or the databases, of each origin are: a directory by its name."""

from pathlib import Path
from urllib.parse import quote, unquote


def directory_of(root: Path, origin: str) -> Path:
    """That of an origin, which need not be there."""
    return root / quote(origin, safe="")


def origins_in(root: Path) -> list[str]:
    """The origins that have a directory."""
    if not root.is_dir():
        return []
    return sorted(unquote(path.name) for path in root.iterdir() if path.is_dir())
