"""Which version of this package makes a picture: a digest of its sources that have a hand in one."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

NO_HAND = (
    *("access", "batch", "cli", "client", "engine", "evaluation", "fetch", "gateway", "observability", "onboarding"),
    *("pb", "products", "shop", "training", "widget"),
    *("__init__.py", "__main__.py", "confine.py", "engine_client.py", "environment.py", "keyring.py"),
    *("machine_memory.py", "ports.py", "preflight.py", "settings.py"),
)
"""Folders and files of the package that make no picture; what isn't named here counts."""


@cache
def code_digest() -> str:
    """Sixteen hex digits that change with any source file or weight that has a hand in a picture."""
    root = Path(__file__).parent
    made = hashlib.sha256()
    for path in sorted(root.rglob("*")):
        if path.suffix in (".py", ".toml", ".onnx") and path.relative_to(root).parts[0] not in NO_HAND:
            made.update(f"{path.relative_to(root)}\0".encode() + path.read_bytes())
    return made.hexdigest()[:16]
