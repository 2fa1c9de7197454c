"""How files of plug-in backends' networks get into the zoo, and out of it again.

    import_plug_in("u2netp", Path("u2netp.onnx"), store)
    path, network = plug_in_file("u2netp", "matter", store)

From the import on a file's sha256 is checked before anything reads it. ONNX files are kept as they are; weights for
torch are put into their network once, none missing and none left over, and written as safetensors: that needs the
backend.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tryon_service.errors import InputError, ZooError
from tryon_service.perception.plug_ins import PlugIn, missing_packages, plug_in
from tryon_service.zoo.checkpoints import FixUps, checked, fix_up, load_strictly, read_checkpoint, refused
from tryon_service.zoo.manifest import ImportedFile, Network
from tryon_service.zoo.plain_pickle import load_arrays
from tryon_service.zoo.store import Store
from tryon_service.zoo.weights_file import Header, is_weights_file, read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

UNKNOWN_LICENCE = "not stated"


def plug_in_file(name: str, option: str, store: Store | None = None) -> tuple[Path, Network]:
    """A network's file, its sha256 checked, and its entry. option: what asks for it ("matter"), for the message.

    Raises ZooError("network_missing") naming the extra or the zoo's entry that is missing, ZooError("network_mismatch")
    if the file has changed.
    """
    found = plug_in(name)
    if absent := missing_packages(found):
        detail = f"{name} needs {', '.join(absent)}: {found.install}."
        raise ZooError("network_missing", detail, option)
    store = store or Store()
    if name not in store.manifest.networks:
        detail = f"The zoo has no {name}; 'tryon zoo import {name} FILE' brings in {found.file}, see cards/{name}.md."
        raise ZooError("network_missing", detail, option)
    return store.path(name), store.manifest.network(name)


def import_plug_in(
    name: str,
    path: Path,
    store: Store,
    *,
    licence: str | None = None,
    commercial_use: bool = False,
    replace: bool = False,
) -> tuple[Network, list[str]]:
    """Bring a network's file into the zoo. Returns the entry, and in words what was found and done.

    licence, commercial_use: of the file; default: its makers', if it is known to be theirs, else not stated and none.
    Raises InputError("invalid_option") naming what is wrong with the file, ZooError if the zoo can't take it.
    """
    found = plug_in(name)
    if found.build and (absent := missing_packages(found)):
        raise InputError("invalid_option", f"{name} needs {', '.join(absent)}: {found.install}.", "network")
    if not path.is_file():
        raise InputError("invalid_option", f"There is no file {str(path)!r}.", "checkpoint")
    published = found.digest and is_published(path, found.digest)
    if published:
        licence, commercial_use = licence or found.licence, commercial_use or found.commercial_use
        said = [f"is {found.file} as its makers publish it"]
    else:
        why = "differs from" if found.digest else "can't be compared with"
        said = [f"{why} {found.file}, whose makers give it under {found.licence}; --licence says what holds for yours"]
    with store.workspace() as folder:
        made, done = (_torch_file if found.build else _onnx_file)(name, found, path, folder)
        network = _entry(name, found, made, path, licence or UNKNOWN_LICENCE, commercial_use)
        store.add(network, made, replace=replace)
    return network, said + done


def is_published(path: Path, digest: str) -> bool:
    """Whether the file's digest begins like this one, see PlugIn."""
    kind, start = digest.split(":")
    return _digest(path, kind).startswith(start)


def load_weights(net: nn.Module, name: str, path: Path) -> None:
    """Weights that import_plug_in has written, into their network. Raises ZooError("network_mismatch")."""
    try:
        header, state = read_weights(path)
        if header.network != name:
            raise refused(path, f"holds weights of {header.network}, not of {name}")
        load_strictly(net, state, path)
    except InputError as error:
        raise ZooError("network_mismatch", error.detail, name) from error
    net.eval()


def _onnx_file(name: str, _: PlugIn, path: Path, folder: Path) -> tuple[Path, list[str]]:
    """A copy, looked at by onnxruntime: one picture in, as rembg feeds it."""
    from tryon_service.perception.runtime import open_onnx

    made = folder / f"{name}.onnx"
    shutil.copyfile(path, made)
    try:
        inputs = open_onnx(made, name, num_threads=1).get_inputs()
    except ZooError as error:
        raise refused(path, "can't be read: it is incomplete, or no ONNX file") from error
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise refused(path, f"takes {[list(one.shape) for one in inputs]}, where one picture should be")
    return made, []


def _torch_file(name: str, found: PlugIn, path: Path, folder: Path) -> tuple[Path, list[str]]:
    """The weights, every one in its place, as a file of ours."""
    if is_weights_file(path):
        header, state = read_weights(path)
        if header.network != name:
            raise refused(path, f"holds weights of {header.network}, not of {name}")
    else:
        state = _published_state(path)
    net = _built(found, state, path)
    state, done = fix_up(state, net.state_dict().keys(), FixUps(unused=found.unused, prefixes=("module.",)))
    load_strictly(net, state, path)
    made = folder / f"{name}.safetensors"
    write_weights(made, state, Header(name, {}, (), "", f"{path.name}, sha256 {_digest(path)}"))
    return made, done


def _built(found: PlugIn, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    if found.build is None:
        raise TypeError("a network that is kept as ONNX isn't built")
    try:
        return found.build(state)
    except (KeyError, ValueError, IndexError) as error:
        raise refused(path, f"doesn't show which network it is of: {error}") from error


def _published_state(path: Path) -> dict[str, Tensor]:
    """Of torch's format or, as detectron2 has it, arrays in a pickle under "model". No code of the file's runs."""
    import torch

    if path.suffix != ".pkl":
        return read_checkpoint(path)
    try:
        content = load_arrays(path.read_bytes())
        arrays = content["model"]
        return checked(path, {name: torch.from_numpy(array.copy()) for name, array in arrays.items()})
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise refused(
            path, f"can't be read: it holds something other than arrays, or is incomplete ({error})"
        ) from error


def _entry(name: str, found: PlugIn, made: Path, source: Path, licence: str, commercial_use: bool) -> Network:
    digest = _digest(made)
    return Network(
        name=name,
        task=found.task,
        file=f"{name}-{digest[:8]}{made.suffix}",
        sha256=digest,
        bytes=made.stat().st_size,
        licence=licence,
        commercial_use=commercial_use,
        card=f"cards/{name}.md",
        input_size=found.input_size,
        normalisation=found.normalisation,
        sources=(ImportedFile(source.name, _digest(source)),),
    )


def _digest(path: Path, kind: str = "sha256") -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
