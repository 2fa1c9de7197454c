"""The service as a readable list of steps: two photos go in, a picture with a verdict or a clear refusal comes out.

    Pipeline().render(RenderRequest(shopper=..., products=(...,))).picture

STEPS below is the whole service. Each step is one small function over one Job; the time it took is kept, and the
deadline is checked before the next one begins.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from tryon_service import quality, verdict
from tryon_service.analysis import Analyst
from tryon_service.appearance.look import check_shown
from tryon_service.appearance.shadow import shade
from tryon_service.backdrop import backdrop
from tryon_service.choice import choose
from tryon_service.errors import InputError, RefusedError, UnavailableError
from tryon_service.imaging.composite import composite, plain_background, reduced
from tryon_service.imaging.frames import fit_size
from tryon_service.poses.pose import Pose
from tryon_service.renderers.base import GENERATED
from tryon_service.request import Lender, Product, RenderRequest
from tryon_service.retarget.retarget import retarget
from tryon_service.stopwatch import timed
from tryon_service.types import (
    Credit,
    Part,
    Person,
    Photo,
    ProductChoice,
    Reason,
    Rendered,
    RenderInput,
    Result,
    TargetPose,
    UInt8Array,
    Verdict,
)

__all__ = ["STEPS", "Job", "Pipeline", "Product", "RenderRequest"]

SHOPPER_FRAME = 1280
"""Longest side, in pixels, of a picture in the shopper photo's frame unless a size is asked for."""
WHITE = (255, 255, 255)

T = TypeVar("T")


@dataclass
class Job:
    """One request on its way through STEPS; each step fills in its own fields and reads those of the steps before.

    shopper: whoever is in the photo, None where a pose came instead; pose: all that the picture takes from either;
    look: RenderInput.look.
    """

    request: RenderRequest
    shopper: Person | None = None
    pose: Pose | None = None
    products: dict[int, Product] = field(default_factory=dict)
    choice: ProductChoice | None = None
    product: Product | None = None
    look: dict[str, Any] = field(default_factory=dict)
    target: TargetPose | None = None
    doubts: tuple[Reason, ...] = ()
    rendered: Rendered | None = None
    picture: UInt8Array | None = None
    verdict: Verdict | None = None
    timings_ms: dict[str, float] = field(default_factory=dict)


# The steps, in order. Every call into verdict.py is in `shopper_pose`, `check` and `judge`, and where a product is
# analysed.


def perceive_shopper(pipeline: Pipeline, job: Job) -> None:
    """From here on a photo is worth no more than a pose token, so that both make the same picture."""
    shopper = job.request.shopper
    if isinstance(shopper, Pose):
        job.pose = shopper
        return
    job.shopper = shopper if isinstance(shopper, Person) else pipeline.analyse_pose(shopper)
    job.pose = shopper_pose(job.shopper)


def shopper_pose(person: Person) -> Pose:
    """The pose of a shopper. Raises RefusedError for a photo too dark or too blurred to trust."""
    refusals, doubts = verdict.check_shopper(person)
    if refusals:
        raise RefusedError(refusals)
    return Pose.of(person, doubts)


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
            if index in request.look.values():
                raise
            refusals.append(error)
    if not job.products:
        raise refusals[0]


def choose_product(_: Pipeline, job: Job) -> None:
    poses = {index: product.person.keypoints for index, product in job.products.items()}
    job.choice = choose(poses, _known(job.pose).keypoints())
    job.product = job.products[job.choice.index]


def lend(pipeline: Pipeline, job: Job) -> None:
    """What the Look takes from other photos, refused where one of them doesn't show it."""
    look, renderer = job.request.look, _known(job.product).renderer
    if look and not pipeline.renderer(renderer).info.looks:
        raise InputError("invalid_option", f"The renderer {renderer} takes no Look.", "look")
    lenders: dict[Lender, Product] = dict(job.products.items())
    if "shopper" in look.values():
        lenders["shopper"] = pipeline.dressed(_known(job.shopper), renderer)
    for attribute, who in look.items():
        name = "product" if len(job.request.products) == 1 else f"product[{who}]"
        check_shown(lenders[who].person, attribute, "shopper" if who == "shopper" else name)
        job.look[attribute] = lenders[who].prepared


def retarget_pose(_: Pipeline, job: Job) -> None:
    pose, product, request = _known(job.pose), _known(job.product), job.request
    size = fit_size(pose.size, request.size or (SHOPPER_FRAME, SHOPPER_FRAME))
    keypoints = pose.keypoints().moved(size[0] / pose.size[0])
    job.target = retarget(
        product.person,
        keypoints,
        frame=request.frame,
        shopper_size=size,
        anchored=product.appearance.anchored,
        outline=product.outline,
    )


def check(_: Pipeline, job: Job) -> None:
    """Refuse before the work is done what can't become an honest picture."""
    product, pose, target = _known(job.product).person, _known(job.pose), _known(job.target)
    refusals, job.doubts = verdict.weigh(product, pose, target)
    if refusals:
        raise RefusedError(refusals)


def render(pipeline: Pipeline, job: Job) -> None:
    product = _known(job.product)
    inputs = RenderInput(product.appearance, _known(job.target), product.prepared, job.look)
    (job.rendered,) = pipeline.renderer(product.renderer).render([inputs])


def compose(pipeline: Pipeline, job: Job) -> None:
    request, appearance, target = job.request, _known(job.product).appearance, _known(job.target)
    shopper = job.shopper
    if request.background == "shopper" and isinstance(request.shopper, bytes):
        shopper = pipeline.analyse_backdrop(request.shopper)
    shadow = shade(appearance.person, appearance.shadow, target)
    behind = backdrop(request.background, appearance, shopper, target.size, shadow)
    job.picture = composite(_known(job.rendered), behind)


def judge(pipeline: Pipeline, job: Job) -> None:
    """Look at the result with fresh eyes: what isn't recognised as a person doesn't stand like the shopper either. A
    picture without a head often isn't, however good it is: there the poses say nothing, unless all of it is drawn anew
    and may be noise."""
    rendered, target, picture = _known(job.rendered), _known(job.target), _known(job.picture)
    opaque = picture if picture.shape[2] == 3 else composite(rendered, plain_background(WHITE, target.size))
    try:
        found = pipeline.pose.follow(Photo(opaque, target.size, digest=""), target.keypoints)
    except RefusedError:
        found = None
    renderer = pipeline.renderer(_known(job.product).renderer).info
    generated = renderer.mark == GENERATED
    scores = quality.measure(rendered, _known(job.product).appearance, target, found, generated=generated)
    if found is None and (generated or (_known(job.product).person.parsing == Part.FACE).any()):
        scores["pose_agreement"] = 0.0
    job.verdict = verdict.judge(job.doubts, scores, quality.table(renderer.name))


STEPS: tuple[tuple[str, Callable[[Pipeline, Job], None]], ...] = (
    ("perceive_shopper", perceive_shopper),
    ("analyse_products", analyse_products),
    ("choose_product", choose_product),
    ("lend", lend),
    ("retarget", retarget_pose),
    ("check", check),
    ("render", render),
    ("composite", compose),
    ("judge", judge),
)


class Pipeline(Analyst):
    """Runs STEPS."""

    def render(self, request: RenderRequest) -> Result:
        """A picture with its verdict, or a refusal as a Result without picture.

        Raises InputError for an unusable photo or option and UnavailableError("deadline_exceeded").
        """
        return self.run(Job(request))

    def run(self, job: Job) -> Result:
        """Take a job through STEPS; the one place where a refusal becomes a verdict. Raises as render does.

        The job keeps what every step made, for those who want to look inside.
        """
        job.request = replace(job.request, renderer=self.renderer(job.request.renderer).info.name)
        for name, step in STEPS:
            _check_deadline(job.request, name)
            with timed(job.timings_ms, name):
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
        renderer = job.product.renderer if job.product else job.request.renderer
        if outcome.status == "doubtful" and job.request.min_verdict == "accepted":
            outcome = replace(outcome, status="refused")
        if len(job.request.products) > 1:
            outcome = replace(outcome, reasons=tuple(_numbered(reason, used) for reason in outcome.reasons))
        picture, target = _as_asked(job)
        return Result(
            picture=picture if outcome.status != "refused" else None,
            verdict=outcome,
            target=target,
            product_used=used,
            choice=job.choice,
            timings_ms=job.timings_ms,
            renderer=renderer,
            networks=self.networks(renderer),
            credit=job.product.person.photo.credit if job.product else Credit(),
        )


def _as_asked(job: Job) -> tuple[UInt8Array | None, TargetPose | None]:
    """The picture and the pose in it at the size asked for; what is asked smaller than it is worked at is reduced."""
    picture, target = job.picture, job.target
    if target is None or job.request.size is None:
        return picture, target
    size = fit_size(target.size, job.request.size)
    if size == target.size:
        return picture, target
    scale = size[0] / target.size[0]
    moved = replace(target, keypoints=target.keypoints.moved(scale), size=size, scale=target.scale * scale)
    return None if picture is None else reduced(picture, size), moved


def _numbered(reason: Reason, index: int) -> Reason:
    """Of several product photos, the one that was used."""
    return replace(reason, photo=f"product[{index}]") if reason.photo == "product" else reason


def _known(value: T | None) -> T:
    """A field that an earlier step has filled."""
    if value is None:
        raise RuntimeError("a pipeline step ran before the step it builds on")
    return value


def _check_deadline(request: RenderRequest, step: str) -> None:
    if request.deadline is not None and time.monotonic() > request.deadline:
        raise UnavailableError("deadline_exceeded", f"Time was up before the step {step}.")
