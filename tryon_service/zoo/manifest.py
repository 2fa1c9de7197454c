"""Reading and checking model_zoo/manifest.toml: which networks exist, where each comes from, how to recognise it."""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tryon_service.errors import InputError, ZooError
from tryon_service.types import NetworkId, Size

VERSION = 1
DIGITS = 8
"""Of a digest, in names of files and in lists."""


@dataclass(frozen=True)
class WheelMember:
    """A file inside a wheel on the package index. requirement: a pin, "name==version"; member: its path there."""

    requirement: str
    member: str


@dataclass(frozen=True)
class PackagedFile:
    """A file carried inside our own wheel. path: relative to model_zoo/."""

    path: str


@dataclass(frozen=True)
class ImportedFile:
    """A file of the operator's own, of which the network's file was made. file: its name then; sha256: of its bytes."""

    file: str
    sha256: str


Source = WheelMember | PackagedFile | ImportedFile


@dataclass(frozen=True)
class Normalisation:
    """What the network wants for an RGB pixel p in [0, 255], per channel: (p - mean) / std."""

    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class Network:
    """One network's file. sha256: lower-case hex; bytes: exact length; input_size: (width, height) in pixels;
    card: the path of its description, relative to model_zoo/."""

    name: str
    task: str
    file: str
    sha256: str
    bytes: int
    licence: str
    commercial_use: bool
    card: str
    input_size: Size
    normalisation: Normalisation
    sources: tuple[Source, ...]

    @property
    def id(self) -> NetworkId:
        return NetworkId(self.name, self.sha256)

    @property
    def stored_file(self) -> str:
        """The file's name in a zoo and in a mirror. It tells the contents, so that those of several releases lie side
        by side."""
        digest, path = self.short_digest, Path(self.file)
        return self.file if path.stem.endswith(f"-{digest}") else f"{path.stem}-{digest}{path.suffix}"

    @property
    def short_digest(self) -> str:
        """How its sha256 begins, for names and lists."""
        return self.sha256[:DIGITS]

    def check_file(self, path: Path) -> None:
        """Raises ZooError("network_mismatch") unless the file has this size and sha256."""
        size = path.stat().st_size
        if size != self.bytes:
            raise ZooError("network_mismatch", f"{path} has {size} bytes, {self.name} has {self.bytes}.")
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        if digest != self.sha256:
            raise ZooError("network_mismatch", f"{path} has sha256 {digest}, {self.name} has {self.sha256}.")


@dataclass(frozen=True)
class Manifest:
    """Every network by name. folder: the model_zoo/ it was read from."""

    folder: Path
    networks: Mapping[str, Network]

    def network(self, name: str) -> Network:
        """Raises InputError("invalid_option") naming the known networks."""
        if name not in self.networks:
            raise InputError("invalid_option", f"{name!r} is not one of {', '.join(self.networks)}.", "network")
        return self.networks[name]


def zoo_folder() -> Path:
    """model_zoo/ of this installation: inside the installed package, or at the root of a source checkout."""
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "model_zoo", package.parent / "model_zoo"):
        if (folder / "manifest.toml").is_file():
            return folder
    raise ZooError("internal", "model_zoo/manifest.toml is missing from this installation; reinstall the package.")


def load_manifest(folder: Path | None = None) -> Manifest:
    """The manifest in this folder (default: this installation's), checked entry by entry.

    Raises ZooError("internal") naming the entry and the key at fault.
    """
    folder = folder or zoo_folder()
    try:
        document = tomllib.loads((folder / "manifest.toml").read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ZooError("internal", f"manifest.toml can't be read: {error}.") from error
    if document.get("version") != VERSION:
        raise ZooError("internal", f"manifest.toml has version {document.get('version')!r}, expected {VERSION}.")
    return Manifest(folder, MappingProxyType(networks_of(document, "manifest.toml")))


def networks_of(document: Mapping[str, Any], file: str) -> dict[str, Network]:
    """Every entry under "networks", by name. Raises ZooError("internal") naming the file, the entry and the key."""
    networks: dict[str, Network] = {}
    for entry in document.get("networks", []):
        network = _network(entry, file)
        if network.name in networks:
            raise ZooError("internal", f"{file} lists {network.name!r} twice.")
        networks[network.name] = network
    return networks


def _network(entry: Mapping[str, Any], file: str) -> Network:
    name = entry.get("name", "?")
    try:
        network = Network(
            name=_text(entry, "name"),
            task=_text(entry, "task"),
            file=_text(entry, "file"),
            sha256=_text(entry, "sha256"),
            bytes=int(entry["bytes"]),
            licence=_text(entry, "licence"),
            commercial_use=bool(entry["commercial_use"]),
            card=_text(entry, "card"),
            input_size=_size(entry["input_size"]),
            normalisation=Normalisation(
                _triple(entry["normalisation"], "mean"), _triple(entry["normalisation"], "std")
            ),
            sources=tuple(_source(source) for source in entry["sources"]),
        )
        if not re.fullmatch(r"[0-9a-f]{64}", network.sha256):
            raise ValueError("sha256 must be 64 lower-case hex digits")
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*", network.file):
            raise ValueError("file must be a plain file name")
        if network.bytes <= 0:
            raise ValueError("bytes must be positive")
        if not network.sources:
            raise ValueError("sources must not be empty")
    except (KeyError, TypeError, ValueError) as error:
        fault = f"{error.args[0]} is missing" if isinstance(error, KeyError) else str(error)
        raise ZooError("internal", f"{file}, network {name!r}: {fault}.") from error
    return network


def _source(source: Mapping[str, Any]) -> Source:
    kind = source["kind"]
    if kind == "wheel":
        requirement = _text(source, "requirement")
        if not re.fullmatch(r"[A-Za-z0-9][\w.-]*==[\w.!+-]+", requirement):
            raise ValueError(f"requirement {requirement!r} is not an exact pin")
        return WheelMember(requirement, _text(source, "member"))
    if kind == "packaged":
        path = _text(source, "path")
        if Path(path).is_absolute() or ".." in Path(path).parts:
            raise ValueError(f"path {path!r} leaves model_zoo/")
        return PackagedFile(path)
    if kind == "imported":
        return ImportedFile(_text(source, "file"), _text(source, "sha256"))
    raise ValueError(f"source kind {kind!r} is not one of wheel, packaged, imported")


def _text(entry: Mapping[str, Any], key: str) -> str:
    value = entry[key]
    if not isinstance(value, str) or not value:
        raise ValueError(f"{key} must be a text that is not empty")
    return value


def _size(value: Sequence[int]) -> Size:
    width, height = value
    return int(width), int(height)


def _triple(entry: Mapping[str, Any], key: str) -> tuple[float, float, float]:
    red, green, blue = entry[key]
    return float(red), float(green), float(blue)
