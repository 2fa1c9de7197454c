"""The service as a readable list of steps: two photos go in, a picture with a verdict or a clear refusal comes out.

    Pipeline().render(RenderRequest(shopper=..., products=(...,))).picture

STEPS below is the whole service. Each step is one small function over one Job; the time it took is kept, and the
deadline is checked before the next one begins.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar, cast

import cv2
import numpy as np

from tryon_service import verdict
from tryon_service.analysis_cache import FOLDER_BYTES, AnalysisCache
from tryon_service.appearance.decompose import decompose
from tryon_service.backdrop import backdrop
from tryon_service.choice import choose
from tryon_service.errors import RefusedError, UnavailableError
from tryon_service.imaging.composite import composite, plain_background
from tryon_service.imaging.decode import decode
from tryon_service.imaging.frames import fit_size
from tryon_service.perception.backends import MATTER, PARSER, POSE
from tryon_service.perception.base import Matter, Parser, PoseEstimator
from tryon_service.perception.named_view import NamedView
from tryon_service.perception.perceive import perceive
from tryon_service.registry import Registry
from tryon_service.renderers import warp as _warp  # noqa: F401 - registers itself in RENDERERS
from tryon_service.renderers.base import RENDERERS, Renderer
from tryon_service.request import Product, RenderRequest
from tryon_service.retarget.retarget import retarget
from tryon_service.types import (
    Credit,
    NetworkId,
    Person,
    Photo,
    ProductChoice,
    Reason,
    Rendered,
    RenderInput,
    Result,
    Size,
    TargetPose,
    UInt8Array,
    Verdict,
    ViewName,
)

__all__ = ["STEPS", "Job", "Pipeline", "Product", "RenderRequest"]

SHOPPER_MAX_SIDE = 1280
PRODUCT_MAX_SIDE = 2048
CACHE_BYTES = 256 << 20
WHITE = (255, 255, 255)

T = TypeVar("T")


@dataclass
class Job:
    """One request on its way through STEPS; each step fills in its own fields and reads those of the steps before."""

    request: RenderRequest
    shopper: Person | None = None
    products: dict[int, Product] = field(default_factory=dict)
    choice: ProductChoice | None = None
    product: Product | None = None
    target: TargetPose | None = None
    doubts: tuple[Reason, ...] = ()
    rendered: Rendered | None = None
    picture: UInt8Array | None = None
    verdict: Verdict | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


# The steps, in order. Every call into verdict.py is in `check` and `judge`, and in Pipeline._perceive_model.


def perceive_shopper(pipeline: Pipeline, job: Job) -> None:
    shopper = job.request.shopper
    job.shopper = shopper if isinstance(shopper, Person) else pipeline.analyse_pose(shopper)


def analyse_products(pipeline: Pipeline, job: Job) -> None:
    """Analyse every photo of the card; those nothing can be made of are left out as long as one is good."""
    request, refusals = job.request, []
    for index, photo in enumerate(request.products):
        try:
            if isinstance(photo, Product):
                product = photo
            else:
                name = "product" if len(request.products) == 1 else f"product[{index}]"
                view = request.views[index] if request.views else None
                product = pipeline.analyse_product(photo, name, size=request.size, renderer=request.renderer, view=view)
            job.products[index] = product
        except RefusedError as error:
            refusals.append(error)
    if not job.products:
        raise refusals[0]


def choose_product(_: Pipeline, job: Job) -> None:
    poses = {index: product.person.keypoints for index, product in job.products.items()}
    job.choice = choose(poses, _known(job.shopper).keypoints)
    job.product = job.products[job.choice.index]


def retarget_pose(_: Pipeline, job: Job) -> None:
    shopper, request = _known(job.shopper), job.request
    keypoints, size = shopper.keypoints, _size_of(shopper.photo)
    if request.size:
        fitted = fit_size(size, request.size)
        keypoints, size = keypoints.moved(fitted[0] / size[0]), fitted
    appearance = _known(job.product).appearance
    job.target = retarget(
        appearance.person, keypoints, frame=request.frame, shopper_size=size, anchored=appearance.anchored
    )


def check(_: Pipeline, job: Job) -> None:
    """Refuse before the work is done what can't become an honest picture."""
    product, shopper, target = _known(job.product).person, _known(job.shopper), _known(job.target)
    reasons = verdict.check_shopper(product, shopper, target)
    if reasons:
        raise RefusedError(reasons)
    job.doubts = verdict.doubts(product, shopper, target)


def render(pipeline: Pipeline, job: Job) -> None:
    product = _known(job.product)
    inputs = RenderInput(product.appearance, _known(job.target), product.prepared)
    (job.rendered,) = pipeline.renderer(product.renderer).render([inputs])


def compose(_: Pipeline, job: Job) -> None:
    product, target = _known(job.product), _known(job.target)
    job.picture = composite(
        _known(job.rendered),
        backdrop(job.request.background, product.appearance, _known(job.shopper), target.size),
    )


def judge(pipeline: Pipeline, job: Job) -> None:
    """Look at the result with fresh eyes: what isn't recognised as a person doesn't stand like the shopper either."""
    rendered, target, picture = _known(job.rendered), _known(job.target), _known(job.picture)
    opaque = picture if picture.shape[2] == 3 else composite(rendered, plain_background(WHITE, target.size))
    try:
        found = pipeline.pose.estimate(Photo(opaque, target.size, digest="")).keypoints
    except RefusedError:
        found = None
    scores = verdict.measure(rendered, _known(job.product).appearance, target, found)
    if found is None:
        scores["pose_agreement"] = 0.0
    job.verdict = verdict.judge(job.doubts, scores)


STEPS: tuple[tuple[str, Callable[[Pipeline, Job], None]], ...] = (
    ("perceive_shopper", perceive_shopper),
    ("analyse_products", analyse_products),
    ("choose_product", choose_product),
    ("retarget", retarget_pose),
    ("check", check),
    ("render", render),
    ("composite", compose),
    ("judge", judge),
)


class Pipeline:
    """Runs STEPS. Networks and renderers are loaded at first use and shared; safe to call from several threads."""

    def __init__(
        self,
        *,
        pose: str = "blazepose",
        matter: str = "guided",
        parser: str = "network",
        cache_bytes: int = CACHE_BYTES,
        cache_folder: Path | None = None,
        cache_folder_bytes: int = FOLDER_BYTES,
    ) -> None:
        """pose, matter, parser: registry names of the perception backends; cache_bytes: room in memory for analysed
        products; cache_folder: a private folder that keeps them, and nothing else, for the next process."""
        self._names = {"pose": pose, "matter": matter, "parser": parser}
        self._backends: dict[tuple[str, str], Any] = {}
        self._cache = AnalysisCache[Product](cache_bytes, cache_folder, cache_folder_bytes)
        self._building = threading.Lock()

    def render(self, request: RenderRequest) -> Result:
        """A picture with its verdict, or a refusal as a Result without picture.

        Raises InputError for an unusable photo or option and UnavailableError("deadline_exceeded").
        """
        return self.run(Job(request))

    def run(self, job: Job) -> Result:
        """Take a job through STEPS; the one place where a refusal becomes a verdict. Raises as render does.

        The job keeps what every step made, for those who want to look inside.
        """
        self.renderer(job.request.renderer)
        for name, step in STEPS:
            _check_deadline(job.request, name)
            with _timed(job.timings_ms, name):
                try:
                    step(self, job)
                except RefusedError as error:
                    job.verdict = Verdict("refused", error.reasons)
            if job.verdict and job.verdict.status == "refused":
                break
        return self._result(job)

    def _result(self, job: Job) -> Result:
        outcome = _known(job.verdict)
        used = job.choice.index if job.choice else -1
        if outcome.status == "doubtful" and job.request.min_verdict == "accepted":
            outcome = replace(outcome, status="refused")
        if len(job.request.products) > 1:
            outcome = replace(outcome, reasons=tuple(_numbered(reason, used) for reason in outcome.reasons))
        made = outcome.status != "refused"
        return Result(
            picture=job.picture if made else None,
            verdict=outcome,
            target=job.target,
            product_used=used,
            choice=job.choice,
            timings_ms=job.timings_ms,
            renderer=job.request.renderer,
            networks=self.networks(job.request.renderer),
            credit=job.product.person.photo.credit if job.product else Credit(),
        )

    def analyse_pose(self, data: bytes, name: str = "shopper") -> Person:
        """Perceive a shopper photo. name: the photo's name in errors. Raises InputError and RefusedError."""
        return self._perceive(decode(data, name, max_side=SHOPPER_MAX_SIDE), name)

    def analyse_product(
        self,
        data: bytes,
        name: str = "product",
        *,
        size: Size | None = None,
        renderer: str = "warp",
        view: ViewName | None = None,
    ) -> Product:
        """Analyse a product photo at the size it will be shown at, or take it from the cache.

        name: the photo's name in errors and reasons; view: which side it shows, believed where its pose is unsure.
        Raises InputError and RefusedError.
        """
        key = (hashlib.sha256(data).hexdigest(), size, renderer, view)
        made_by = (*self._names.items(), *self.networks(renderer))
        return self._cache.get(key, made_by, lambda: self._analyse(data, name, size, renderer, view))

    def renderer(self, name: str) -> Renderer:
        """Raises InputError("invalid_option") for a name that is not registered."""
        return self._backend(RENDERERS, name)

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

    def _analyse(self, data: bytes, name: str, size: Size | None, renderer: str, view: ViewName | None) -> Product:
        timings: dict[str, float] = {}
        with _timed(timings, "decode"):
            photo = _shrunk(decode(data, name, max_side=PRODUCT_MAX_SIDE), size)
        with _timed(timings, "perceive"):
            person = self._perceive_model(photo, name, view)
        with _timed(timings, "decompose"):
            appearance = decompose(person)
        with _timed(timings, "prepare"):
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

    def _perceive(self, photo: Photo, name: str, view: ViewName | None = None) -> Person:
        pose = NamedView(self.pose, view) if view else self.pose
        return perceive(photo, role=name, pose=pose, matter=self.matter, parser=self.parser)


def _numbered(reason: Reason, index: int) -> Reason:
    """Of several product photos, the one that was used."""
    return replace(reason, photo=f"product[{index}]") if reason.photo == "product" else reason


def _shrunk(photo: Photo, size: Size | None) -> Photo:
    """The photo at the size it will be shown at."""
    if size is None or fit_size(_size_of(photo), size) == _size_of(photo):
        return photo
    small = cv2.resize(photo.rgb, fit_size(_size_of(photo), size), interpolation=cv2.INTER_AREA)
    return replace(photo, rgb=np.asarray(small, np.uint8))


def _size_of(photo: Photo) -> Size:
    return photo.rgb.shape[1], photo.rgb.shape[0]


def _known(value: T | None) -> T:
    """A field that an earlier step has filled."""
    if value is None:
        raise RuntimeError("a pipeline step ran before the step it builds on")
    return value


def _check_deadline(request: RenderRequest, step: str) -> None:
    if request.deadline is not None and time.monotonic() > request.deadline:
        raise UnavailableError("deadline_exceeded", f"Time was up before the step {step}.")


@contextmanager
def _timed(timings_ms: dict[str, float], name: str) -> Iterator[None]:
    start = time.perf_counter()
    try:
        yield
    finally:
        timings_ms[name] = 1000.0 * (time.perf_counter() - start)
