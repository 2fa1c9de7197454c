"""Photos in, Persons and analysed Products out: the backends behind the protocols, and the cache of analyses."""

from __future__ import annotations

import hashlib
import logging
import threading
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar, cast

import cv2
import numpy as np

from tryon_service import verdict
from tryon_service.analysis_cache import FOLDER_BYTES, AnalysisCache
from tryon_service.appearance.decompose import decompose
from tryon_service.errors import RefusedError, ZooError
from tryon_service.imaging.decode import decode
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import inspect
from tryon_service.perception.backends import MATTER, PARSER, POSE
from tryon_service.perception.base import Matter, Parser, PoseEstimator
from tryon_service.perception.named_view import NamedView
from tryon_service.perception.perceive import perceive
from tryon_service.registry import Registry
from tryon_service.renderers import adgan, one_person, patn, refine, warp  # noqa: F401 - register in RENDERERS
from tryon_service.renderers.base import RENDERERS, Renderer
from tryon_service.request import Product
from tryon_service.settings import Settings
from tryon_service.stopwatch import timed
from tryon_service.types import NetworkId, Person, Photo, Reason, Size, ViewName

SHOPPER_MAX_SIDE = 960
"""A shopper photo is only read for its pose. Pixels of the longer side; a phone's 12 MP decode to it at a quarter."""
BACKDROP_MAX_SIDE = 1280
PRODUCT_MAX_SIDE = 2048
WORKING_SIDES = (768, 1024, 1536, PRODUCT_MAX_SIDE)
"""Pixels of the longer side that product photos are analysed and rendered at: the first that the picture fits into. A
smaller picture is reduced at the end, so a thumbnail has the verdict of the large one and shares its analysis."""
CACHE_BYTES = 256 << 20
PLAIN_RENDERER = "warp"
"""The one that needs no weights, and so is there everywhere."""

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Analyst:
    """Analyses photos. Networks and renderers are loaded at first use and shared; safe to call from several threads."""

    def __init__(
        self,
        *,
        pose: str = "blazepose",
        matter: str = "guided",
        parser: str = "network",
        renderer: str = Settings.renderer,
        cache_bytes: int = CACHE_BYTES,
        cache_folder: Path | None = None,
        cache_folder_bytes: int = FOLDER_BYTES,
    ) -> None:
        """pose, matter, parser: registry names of the perception backends; renderer: of the one that is used unless
        another is asked for, or PLAIN_RENDERER where its weights are missing; cache_bytes: room in memory for analysed
        products; cache_folder: a private folder that keeps them, and nothing else, for the next process."""
        self._names = {"pose": pose, "matter": matter, "parser": parser}
        self._backends: dict[tuple[str, str], Any] = {}
        self._cache = AnalysisCache[Product](cache_bytes, cache_folder, cache_folder_bytes)
        self._building = threading.Lock()
        self._preferred = renderer

    def analyse_pose(self, data: bytes, name: str = "shopper") -> Person:
        """Perceive a shopper photo as far as its pose needs. name: the photo's name in errors. Raises InputError and
        RefusedError."""
        return self._perceive(decode(data, name, max_side=SHOPPER_MAX_SIDE), name, steady=False)

    def analyse_backdrop(self, data: bytes, name: str = "shopper") -> Person:
        """Perceive a shopper photo well enough to take the shopper out of it. Raises as analyse_pose does."""
        return self._perceive(decode(data, name, max_side=BACKDROP_MAX_SIDE), name)

    def analyse_product(
        self,
        data: bytes,
        name: str = "product",
        *,
        size: Size | None = None,
        renderer: str = "",
        view: ViewName | None = None,
    ) -> Product:
        """Analyse a product photo at the size it will be rendered at, or take it from the cache.

        name: the photo's name in errors and reasons; size: what the picture has to fit into, None for the photo's own;
        renderer: empty for the default one; view: which side it shows, believed where its pose is unsure. Raises
        InputError and RefusedError.
        """
        renderer = renderer or self.default_renderer
        working = working_size(inspect(data, name).size, size)
        key = (hashlib.sha256(data).hexdigest(), working, renderer, view)
        made_by = (*self._names.items(), *self.networks(renderer))
        return self._cache.get(key, made_by, lambda: self._analyse(data, name, working, renderer, view))

    def forget_product(self, digest: str) -> None:
        """Remove every analysis of the photo whose file has this hex sha256, from memory and from the folder."""
        self._cache.forget(digest)

    @property
    def damaged_entries(self) -> int:
        """Kept analyses that were found damaged, so far; each was removed and made again."""
        return self._cache.damaged

    def renderer(self, name: str) -> Renderer:
        """name: empty for the default one. Raises InputError("invalid_option") for a name that is not registered and
        ZooError where its weights are missing."""
        return self._backend(RENDERERS, name or self.default_renderer)

    @cached_property
    def default_renderer(self) -> str:
        """Name of the preferred renderer, or of the plain one, and then a line in the log, where its weights are
        missing. Raises InputError("invalid_option") for a name that is not registered."""
        try:
            return self.renderer(self._preferred).info.name
        except ZooError as error:
            if error.code != "network_missing":
                raise
            logger.warning("pictures come from %s and not %s. %s", PLAIN_RENDERER, self._preferred, error.detail)
            return PLAIN_RENDERER

    @property
    def pose(self) -> PoseEstimator:
        return self._backend(POSE, self._names["pose"])

    @property
    def matter(self) -> Matter:
        return self._backend(MATTER, self._names["matter"])

    @property
    def parser(self) -> Parser:
        return self._backend(PARSER, self._names["parser"])

    def networks(self, renderer: str) -> tuple[NetworkId, ...]:
        """The weights that have a hand in a picture."""
        used = (self.pose, self.matter, self.parser, self.renderer(renderer).info)
        return tuple(dict.fromkeys(network for backend in used for network in backend.networks))

    def _backend(self, registry: Registry[T], name: str) -> T:
        with self._building:
            if (registry.kind, name) not in self._backends:
                self._backends[registry.kind, name] = registry.create(name)
            return cast(T, self._backends[registry.kind, name])

    def _analyse(self, data: bytes, name: str, size: Size, renderer: str, view: ViewName | None) -> Product:
        timings: dict[str, float] = {}
        with timed(timings, "decode"):
            photo = _shrunk(decode(data, name, max_side=PRODUCT_MAX_SIDE), size)
        with timed(timings, "perceive"):
            person = self._perceive_model(photo, name, view)
        return self.dressed(person, renderer, timings)

    def dressed(self, person: Person, renderer: str, timings: dict[str, float] | None = None) -> Product:
        """Somebody perceived as the model of a product photo, decomposed and prepared for the renderer of this name;
        kept nowhere. timings: to go on with."""
        timings = {} if timings is None else timings
        with timed(timings, "decompose"):
            appearance = decompose(person)
        with timed(timings, "prepare"):
            prepared = self.renderer(renderer).prepare(appearance)
        return Product(appearance, prepared, renderer, timings)

    def _perceive_model(self, photo: Photo, name: str, view: ViewName | None) -> Person:
        """A product photo without a person is a garment laid flat or on a stand, which has a code of its own."""
        try:
            person = self._perceive(photo, name, view)
        except RefusedError as error:
            if error.code != "no_person":
                raise
            raise RefusedError([Reason("no_model_in_product", name)]) from error
        reasons = verdict.check_product(person)
        if reasons:
            raise RefusedError([replace(reason, photo=name) for reason in reasons])
        return person

    def _perceive(self, photo: Photo, name: str, view: ViewName | None = None, *, steady: bool = True) -> Person:
        pose = NamedView(self.pose, view) if view else self.pose
        return perceive(photo, role=name, pose=pose, matter=self.matter, parser=self.parser, steady=steady)


def working_size(own: Size, box: Size | None) -> Size:
    """(width, height) that a photo of this size is rendered at for a picture that has to fit into the box."""
    wanted = max(fit_size(own, box) if box else own)
    side = next((side for side in WORKING_SIDES if wanted <= side), PRODUCT_MAX_SIDE)
    return fit_size(own, (side, side))


def _shrunk(photo: Photo, size: Size) -> Photo:
    """The photo at this size; as it is where the decoder has made it smaller already."""
    small_size = fit_size(size_of(photo), size)
    if small_size == size_of(photo):
        return photo
    small = cv2.resize(photo.rgb, small_size, interpolation=cv2.INTER_AREA)
    return replace(photo, rgb=np.asarray(small, np.uint8))


def size_of(photo: Photo) -> Size:
    return photo.rgb.shape[1], photo.rgb.shape[0]
