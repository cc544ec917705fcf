"""Files appear whole or not at all."""

import os
from pathlib import Path


def write_text(path: Path, text: str) -> None:
    """Writes under a temporary name and renames: a killed run leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    working = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        working.write_text(text, encoding="utf-8")
        working.replace(path)
    finally:
        working.unlink(missing_ok=True)
