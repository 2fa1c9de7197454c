"""The networks that draw people: how each is built, what it reads, and how its weights get into the zoo and out again.

    import_weights("adgan", Path("latest_net_netG.pth"), store)
    drawn = open_generator("adgan").net(pose, image, parsing)

Needs the extra `neural`; importing this file doesn't.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from tryon_service.appearance.labels import ADGAN
from tryon_service.devices import device
from tryon_service.errors import InputError, ZooError
from tryon_service.renderers.nets.generator_input import HALF
from tryon_service.retarget.pose_maps import ENCODINGS
from tryon_service.types import NetworkId, Size
from tryon_service.zoo.checkpoints import (
    STATISTICS,
    FixUps,
    fix_up,
    load_strictly,
    read_checkpoint,
    refused,
    shapes,
)
from tryon_service.zoo.manifest import ImportedFile, Network, Normalisation
from tryon_service.zoo.store import Store
from tryon_service.zoo.weights_file import Header, is_weights_file, read_weights, write_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

NATIVE_SIZE: Size = (176, 256)
"""(width, height) that ADGAN and PATN were published for."""
TEACHING_SIZE: Size = (64, 64)
"""Of the networks of one person (renderers/nets/teaching_nets.py)."""
VECTOR, DRAWING = "vector", "drawing"
"""Encodings of poses beside those of retarget/pose_maps.py: pose_vector.py and skeleton_drawing.py."""
LEVELS = Normalisation((HALF,) * 3, (HALF,) * 3)
PUBLISHED_ENCODING = "impulse"
"""Of the published weights; see retarget/pose_maps.py."""
UNKNOWN_LICENCE = "not stated"
NEURAL = "needs the extra neural: pip install 'tryon-service[neural]'"


Parts = Callable[[], tuple[Any, "Callable[[Any], nn.Module]"]]
"""Gives the class of a network's sizes and the network's own, which is built from it."""


@dataclass(frozen=True)
class Generator:
    """task: what it does, for lists; size: (width, height) of its pictures; nets: by the encoding of poses that weights
    were trained on, the first the usual one; classes: of the parsing it reads; published: whether others have files of
    its weights; unused: what may be left out of such a file, see FixUps."""

    task: str
    size: Size
    nets: Mapping[str, Parts]
    classes: tuple[str, ...] = ()
    published: bool = False
    unused: Mapping[str, str] = field(default_factory=dict)

    def config_of(self, encoding: str, state: Mapping[str, Tensor]) -> dict[str, int]:
        """The sizes that these weights show."""
        config, _ = self.nets[encoding]()
        return asdict(config.of(shapes(state)))

    def empty(self, encoding: str, sizes: Mapping[str, int]) -> nn.Module:
        """The network without memory for its weights, which are to come from a file; sizes left out keep their
        defaults. Raises TypeError or ValueError for sizes that can't be."""
        import torch

        config, net = self.nets[encoding]()
        with torch.device("meta"):
            return net(config(**sizes))


@dataclass(frozen=True)
class OpenGenerator:
    """A network ready to draw, on the process's device (devices.py), and what its file says of it."""

    net: nn.Module
    header: Header
    id: NetworkId


def open_generator(name: str, store: Store | None = None) -> OpenGenerator:
    """The generator of this name with the zoo's weights, in evaluation mode.

    Raises ZooError("network_missing") naming the zoo's entry or the extra that is missing, "network_mismatch" if the
    file isn't of this network, InputError("invalid_option") for a name not in GENERATORS.
    """
    generator = _generator(name)
    if not neural_installed():
        raise ZooError("network_missing", f"{name} {NEURAL}.", "renderer")
    store = store or Store()
    if name not in store.manifest.networks:
        detail = f"The zoo has no {name}; 'tryon zoo import {name} FILE' brings in a file of its weights."
        raise ZooError("network_missing", detail, "renderer")
    path = store.path(name)
    try:
        header, state = read_weights(path)
        net = _loaded(name, generator, header, state, path)
    except InputError as error:
        raise ZooError("network_mismatch", error.detail, "renderer") from error
    return OpenGenerator(net.to(device()), header, store.manifest.network(name).id)


def import_weights(
    name: str,
    path: Path,
    store: Store,
    *,
    pose_encoding: str | None = None,
    licence: str = UNKNOWN_LICENCE,
    commercial_use: bool = False,
    replace: bool = False,
) -> tuple[Network, list[str]]:
    """Bring weights into the zoo: a published checkpoint, or a file of ours. Returns the entry, and in words what was
    done to fit the weights to the network.

    pose_encoding: what published weights were trained on, default PUBLISHED_ENCODING; a file of ours knows. replace:
    even if the zoo has other weights of this name. Raises InputError("invalid_option") naming what is wrong with the
    file or an option, ZooError if the zoo can't take it.
    """
    generator = _generator(name)
    if not neural_installed():
        raise InputError("invalid_option", f"{name} {NEURAL}.", "network")
    if pose_encoding is not None and pose_encoding not in generator.nets:
        known = ", ".join(generator.nets)
        raise InputError("invalid_option", f"{pose_encoding!r} is not one of {known}.", "pose_encoding")
    header, state, done = _read(name, generator, path, pose_encoding)
    net = _loaded(name, generator, header, state, path)
    with store.workspace() as folder:
        made = folder / f"{name}.safetensors"
        write_weights(made, net.state_dict(), header)
        _loaded(name, generator, *read_weights(made), made)  # what is added can be read
        network = _entry(name, generator, made, ImportedFile(path.name, _digest(path)), licence, commercial_use)
        store.add(network, made, replace=replace)
    return network, done


def neural_installed() -> bool:
    return all(importlib.util.find_spec(package) is not None for package in ("torch", "safetensors"))


def _generator(name: str) -> Generator:
    if name not in GENERATORS:
        raise InputError("invalid_option", f"{name!r} is not one of {', '.join(GENERATORS)}.", "network")
    return GENERATORS[name]


def _read(
    name: str, generator: Generator, path: Path, pose_encoding: str | None
) -> tuple[Header, dict[str, Tensor], list[str]]:
    """A file of ours or a published one: its header, its weights and what was done to them. Raises InputError."""
    if is_weights_file(path):
        header, state = read_weights(path)
        if pose_encoding not in {None, header.pose_encoding}:
            raise refused(path, f"was trained on poses in the encoding {header.pose_encoding}, not {pose_encoding}")
        return header, state, []
    state = read_checkpoint(path)
    if not generator.published:
        raise refused(path, f"is no file of weights of ours, the only ones there are of {name}")
    encoding, origin = pose_encoding or PUBLISHED_ENCODING, f"{path.name}, sha256 {_digest(path)}"
    # Names don't depend on sizes, so those of the default network will do.
    names = generator.empty(encoding, {}).state_dict().keys()
    state, done = fix_up(state, names, FixUps(unused=generator.unused))
    return Header(name, generator.config_of(encoding, state), generator.classes, encoding, origin), state, done


def _loaded(name: str, generator: Generator, header: Header, state: Mapping[str, Tensor], path: Path) -> nn.Module:
    """The network that the header speaks of, with the weights in it. Raises InputError("invalid_option")."""
    if header.network != name:
        raise refused(path, f"holds weights of {header.network}, not of {name}")
    if header.classes != generator.classes:
        raise refused(path, f"has the classes {', '.join(header.classes)}, not {', '.join(generator.classes)}")
    if header.pose_encoding not in generator.nets:
        raise refused(path, f"has the pose encoding {header.pose_encoding!r}, not one of {', '.join(generator.nets)}")
    try:
        net = generator.empty(header.pose_encoding, header.config)
    except (TypeError, ValueError) as error:
        raise refused(path, f"has sizes that {name} can't have: {dict(header.config)}") from error
    load_strictly(net, state, path)
    return net.eval()


def _entry(
    name: str, generator: Generator, made: Path, source: ImportedFile, licence: str, commercial_use: bool
) -> Network:
    digest = _digest(made)
    return Network(
        name=name,
        task=generator.task,
        file=f"{name}-{digest[:8]}.safetensors",
        sha256=digest,
        bytes=made.stat().st_size,
        licence=licence,
        commercial_use=commercial_use,
        card=f"cards/{name}.md",
        input_size=generator.size,
        normalisation=LEVELS,
        sources=(source,),
    )


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _adgan() -> tuple[Any, Callable[[Any], nn.Module]]:
    from tryon_service.renderers.nets.adgan_net import AdganConfig, AdganNet

    return AdganConfig, AdganNet


def _patn() -> tuple[Any, Callable[[Any], nn.Module]]:
    from tryon_service.renderers.nets.patn_net import PatnConfig, PatnNet

    return PatnConfig, PatnNet


def _nearest() -> tuple[Any, Callable[[Any], nn.Module]]:
    from tryon_service.renderers.nets.teaching_nets import FramesConfig, NearestFrame

    return FramesConfig, NearestFrame


def _vector() -> tuple[Any, Callable[[Any], nn.Module]]:
    from tryon_service.renderers.nets.teaching_nets import TeachingConfig, VectorToImage

    return TeachingConfig, lambda config: VectorToImage(config.width)


def _drawing() -> tuple[Any, Callable[[Any], nn.Module]]:
    from tryon_service.renderers.nets.teaching_nets import DrawingToImage, TeachingConfig

    return TeachingConfig, lambda config: DrawingToImage(config.width)


_STATISTICS = {"running statistics": STATISTICS}
_BEHIND = {"weights of VGG19 behind conv4_1": r"^enc_style\.vgg\.(21|23|25|28|30|32|34)\.(weight|bias)$"}

_ONE_PERSON = "one person's pictures"

GENERATORS: Mapping[str, Generator] = MappingProxyType(
    {
        "adgan": Generator(
            "pose transfer",
            NATIVE_SIZE,
            dict.fromkeys(ENCODINGS, _adgan),
            tuple(ADGAN),
            published=True,
            unused={**_STATISTICS, **_BEHIND},
        ),
        "patn": Generator(
            "pose transfer", NATIVE_SIZE, dict.fromkeys(ENCODINGS, _patn), published=True, unused=_STATISTICS
        ),
        "nearest": Generator(_ONE_PERSON, TEACHING_SIZE, {VECTOR: _nearest}),
        "pose2image": Generator(_ONE_PERSON, TEACHING_SIZE, {VECTOR: _vector, DRAWING: _drawing}),
        "pose2image-gan": Generator(_ONE_PERSON, TEACHING_SIZE, {VECTOR: _vector, DRAWING: _drawing}),
    }
)
"""By the name of the zoo's entry, which is that of the renderer too."""
