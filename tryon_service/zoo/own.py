"""Networks of the operator's own: entries beside the shipped manifest's, in own.json in the folder of the files.

Those that were replaced stay there beside those in use, so that going back is one command.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tryon_service.errors import ZooError
from tryon_service.zoo.manifest import VERSION, ImportedFile, Manifest, Network, networks_of

FILE = "own.json"


def with_own(shipped: Manifest, root: Path) -> Manifest:
    """The shipped manifest and the folder's own entries.

    Raises ZooError("internal") naming the file if it can't be read, is unsound, or has a name that is taken.
    """
    own = own_networks(root)
    if taken := sorted(set(own) & set(shipped.networks)):
        raise ZooError("internal", f"{root / FILE} lists {', '.join(taken)}, which come with the package.")
    return replace(shipped, networks=MappingProxyType({**shipped.networks, **own}))


def own_networks(root: Path) -> dict[str, Network]:
    """Those in use, by name; none where there is no such file. Raises ZooError("internal")."""
    return networks_of(_document(root), str(root / FILE))


def earlier_networks(root: Path) -> tuple[Network, ...]:
    """Those that others have taken the place of, as long as their files are there. Raises ZooError("internal")."""
    found = (networks_of({"networks": [entry]}, str(root / FILE)) for entry in _document(root).get("earlier", []))
    return tuple(one for networks in found for one in networks.values() if (root / one.stored_file).is_file())


def write_own(root: Path, networks: Mapping[str, Network], earlier: Iterable[Network] = ()) -> None:
    """Temporary file, sync, rename. To be called by one process at a time."""
    descriptor, name = tempfile.mkstemp(dir=root, prefix=f".{FILE}-")
    part = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as out:
            out.write(to_json(networks, earlier))
            out.flush()
            os.fsync(out.fileno())
        part.chmod(0o644)
        part.replace(root / FILE)
    finally:
        part.unlink(missing_ok=True)


def to_json(networks: Mapping[str, Network], earlier: Iterable[Network] = ()) -> str:
    """The file's contents."""
    rows = {"networks": [_entry(one) for one in networks.values()], "earlier": [_entry(one) for one in earlier]}
    return json.dumps({"version": VERSION, **rows}, indent=2, ensure_ascii=False)


def from_json(content: bytes, file: str) -> dict[str, Any]:
    """file: its name in errors. Raises ZooError("internal")."""
    try:
        document: dict[str, Any] = json.loads(content)
        version = document["version"]
    except (ValueError, KeyError, TypeError) as error:
        raise ZooError("internal", f"{file} can't be read; remove it and import again: {error}.") from error
    if version != VERSION:
        raise ZooError("internal", f"{file} has version {version!r}, expected {VERSION}.")
    return document


def _document(root: Path) -> dict[str, Any]:
    try:
        return from_json((root / FILE).read_bytes(), str(root / FILE))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise ZooError("internal", f"{root / FILE} can't be read: {error.strerror}.") from error


def _entry(network: Network) -> dict[str, object]:
    sources = [{"kind": "imported", **asdict(source)} for source in network.sources if isinstance(source, ImportedFile)]
    return {**asdict(network), "sources": sources}
