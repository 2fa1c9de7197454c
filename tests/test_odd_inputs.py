"""Two hundred bad, odd and extreme inputs, all drawn from fixed seeds: any image and any pose may be refused, but none
crashes, none leaves a number that isn't one, and no empty picture is called accepted."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image

from tryon_service import quality, verdict
from tryon_service.appearance.decompose import decompose
from tryon_service.errors import TryonError
from tryon_service.figures import OUTFITS, POSES, Figure, FigurePose, crop, draw_figure, headless, waist_up
from tryon_service.figures.poses import SIDES
from tryon_service.imaging.encode import encode
from tryon_service.perception.skeletons import MIRRORED, Landmark
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.poses.pose import Pose
from tryon_service.renderers.base import RENDERERS, Renderer
from tryon_service.retarget.retarget import retarget
from tryon_service.types import Keypoints, Part, Person, Rendered, RenderInput, Size, TargetPose, Verdict

SIZE = (168, 224)
POSES_EACH, MODELS_EACH, FITTED = 5, 3, (150, 111)
LEAST_LEFT = 0.4
"""Of the product person's area, in the target's scale: below this a picture is nearly empty."""

MakePerson = Callable[[Figure], Person]


def random_pose(rng: np.random.Generator) -> FigurePose:
    """Any directions of any bones, possible or not."""
    bones = {f"{side}_{bone}": tuple(rng.uniform(-180, 180, 2)) for side in SIDES for bone in ("upper_arm", "forearm")}
    legs = {f"{side}_{bone}": tuple(rng.uniform(-120, 120, 2)) for side in SIDES for bone in ("thigh", "shin")}
    tilts = {name: float(rng.uniform(-40, 40)) for name in ("lean", "shoulder_tilt", "hip_tilt", "head_tilt", "turn")}
    return FigurePose("random", **bones, **legs, **tilts)  # type: ignore[arg-type]


def moved(keypoints: Keypoints, xyz: np.ndarray, world: np.ndarray | None = None) -> Keypoints:
    world = keypoints.world if world is None else world
    return replace(keypoints, xyz=xyz.astype(np.float32), world=world.astype(np.float32))


def mirrored(keypoints: Keypoints) -> Keypoints:
    """Left and right exchanged, joints where they were."""
    order = list(MIRRORED)
    return replace(keypoints, xyz=keypoints.xyz[order], world=keypoints.world[order], seen=keypoints.seen[order])


def noisy(k: Keypoints, rng: np.random.Generator) -> Keypoints:
    size = 10.0 ** rng.uniform(0, 3)
    world = k.world + rng.normal(0, size / 200, k.world.shape)
    return replace(moved(k, k.xyz + rng.normal(0, size, k.xyz.shape), world), seen=rng.random(33) > 0.3)


def limbless(k: Keypoints, rng: np.random.Generator) -> Keypoints:
    xyz, world = k.xyz.copy(), k.world.copy()
    for parent, child in ((11, 13), (13, 15), (12, 14), (14, 16), (23, 25), (25, 27), (24, 26), (26, 28)):
        if rng.random() < 0.5:
            xyz[child], world[child] = xyz[parent], world[parent]
    return moved(k, xyz, world)


def turned(k: Keypoints, angle: float) -> Keypoints:
    c, s = np.cos(angle), np.sin(angle)
    about = np.float32([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    middle = k.xyz[[Landmark.LEFT_HIP, Landmark.RIGHT_HIP]].mean(axis=0)
    return moved(k, (k.xyz - middle) @ about.T + middle, k.world @ about.T)


ODD_POSES: dict[str, Callable[[Keypoints, np.random.Generator], Keypoints]] = {
    "as it is": lambda k, rng: k,
    "any directions": lambda k, rng: draw_figure(random_pose(rng), size=SIZE).keypoints,
    "all joints equal": lambda k, rng: moved(k, k.xyz * 0 + rng.uniform(-50, 250, 3), k.world * 0),
    "all joints at the corner": lambda k, rng: moved(k, k.xyz * 0),
    "far outside": lambda k, rng: moved(k, k.xyz + rng.uniform(-1, 1, 3) * 10.0 ** rng.uniform(3, 6)),
    "upside down": lambda k, rng: moved(k, k.xyz * [1, -1, 1] + [0, SIZE[1], 0], k.world * [1, -1, 1]),
    "sides exchanged": lambda k, rng: mirrored(k),
    "limbs of no length": limbless,
    "random joints": noisy,
    "on a line": lambda k, rng: moved(k, k.xyz * (rng.random(3) > 0.5), k.world * (rng.random(3) > 0.5)),
    "huge": lambda k, rng: moved(k, k.xyz * 10.0 ** rng.uniform(1, 6)),
    "tiny": lambda k, rng: moved(k, k.xyz * 10.0 ** rng.uniform(-8, -1), k.world * 1e-6),
    "depth in extremes": lambda k, rng: moved(
        k, k.xyz * [1, 1, 1e4], k.world * [1, 1, 1] + rng.normal(0, 10.0 ** rng.uniform(-1, 6), (33, 1)) * [0, 0, 1]
    ),
    "turned away": lambda k, rng: turned(k, float(rng.uniform(-np.pi, np.pi))),
    "lying": lambda k, rng: moved(k, k.xyz[:, [1, 0, 2]], k.world[:, [1, 0, 2]]),
    "nothing seen": lambda k, rng: replace(k, seen=np.zeros(33, bool), visibility=np.zeros(33, np.float32)),
}


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return RENDERERS.create("warp")


@pytest.fixture(scope="module")
def product(renderer: Renderer, person_of: MakePerson) -> Product:
    appearance = decompose(person_of(draw_figure("standing", OUTFITS["print_tee"], SIZE)))
    return Product(appearance, renderer.prepare(appearance), "warp", {})


def render_and_judge(renderer: Renderer, product: Product, pose: Pose, target: TargetPose) -> Verdict | None:
    """The verdict of check and judge, the eye that looks at the result taken for the kindest possible; None where one
    of our own errors came."""
    try:
        refusals, doubts = verdict.weigh(product.person, pose, target)
        (rendered,) = renderer.render([RenderInput(product.appearance, target, product.prepared)])
        scores = quality.measure(rendered, product.appearance, target, target.keypoints)
    except TryonError:
        return None
    assert_sound(rendered, target.size)
    scores |= quality.strain(product.person.keypoints, target)
    scores |= quality.flaws(rendered, product.appearance, target)
    assert_scores(scores)
    table = quality.table(renderer.info.name)
    outcome = Verdict("refused", refusals) if refusals else verdict.judge(doubts, scores, table)
    least = LEAST_LEFT * product.person.matte.sum() * max(target.scale, 0.1) ** 2
    assert outcome.status != "accepted" or rendered.alpha.sum() > least, "a nearly empty picture"
    return outcome


def assert_sound(rendered: Rendered, size: Size) -> None:
    shape = (size[1], size[0])
    assert rendered.rgb.shape == (*shape, 3)
    assert rendered.rgb.dtype == np.uint8
    for values in (rendered.alpha, rendered.coverage):
        assert values.shape == shape
        assert values.dtype == np.float32
        assert 0 <= values.min() <= values.max() <= 1, "also false for NaN"
    assert rendered.parsing.shape == shape
    assert rendered.parsing.max() <= max(Part)


def assert_scores(scores: dict[str, float]) -> None:
    assert not {name: value for name, value in scores.items() if not 0.0 <= value <= 1.0}


@pytest.mark.parametrize("frame", ["product", "shopper"])
@pytest.mark.parametrize("name", ODD_POSES)
def test_odd_poses(name: str, frame: str, renderer: Renderer, product: Product, person_of: MakePerson) -> None:
    rng = np.random.default_rng([7, *name.encode()])
    for index in range(POSES_EACH):
        pose = sorted(POSES)[int(rng.integers(len(POSES)))] if index else "standing"
        shopper = person_of(draw_figure(pose, OUTFITS["sport"], SIZE))
        odd = Pose.of(replace(shopper, keypoints=ODD_POSES[name](shopper.keypoints, rng)))
        target = retarget(product.person, odd.keypoints(), frame=frame, shopper_size=SIZE)  # type: ignore[arg-type]
        assert np.isfinite(target.keypoints.xyz).all()
        assert np.isfinite([target.turn, target.scale]).all()
        outcome = render_and_judge(renderer, product, odd, target)
        if name == "as it is" and frame == "product" and index == 0:
            assert outcome is not None
            assert outcome.status != "refused", "the fitted quality knows photos, not drawings"
        if name in ("all joints equal", "upside down", "nothing seen"):
            assert outcome is None or outcome.status == "refused"


ODD_MODELS: dict[str, Callable[[Figure, np.random.Generator], Figure]] = {
    "in any pose": lambda f, rng: draw_figure(random_pose(rng), size=SIZE, seed=int(rng.integers(99))),
    "cut at random": lambda f, rng: crop(f, random_box(rng, (64, 64), SIZE)),
    "without legs": lambda f, rng: waist_up(f),
    "without a head": lambda f, rng: headless(f),
    "of noise": lambda f, rng: replace(f, photo=noise(rng, SIZE)),
    "parsed at random": lambda f, rng: replace(
        f, parsing=(rng.integers(1, 15, f.parsing.shape) * (f.matte > 0.5)).astype(np.uint8)
    ),
    "of one garment": lambda f, rng: replace(f, parsing=np.where(f.matte > 0.5, 5, 0).astype(np.uint8)),
    "half there": lambda f, rng: replace(f, matte=(f.matte * rng.uniform(0.4, 0.6)).astype(np.float32)),
    "everywhere": lambda f, rng: replace(f, matte=np.ones_like(f.matte), parsing=np.full_like(f.parsing, 3)),
}


def random_box(rng: np.random.Generator, least: Size, size: Size) -> tuple[int, int, int, int]:
    width, height = (int(rng.integers(low, high)) for low, high in zip(least, size, strict=True))
    left, top = int(rng.integers(size[0] - width + 1)), int(rng.integers(size[1] - height + 1))
    return left, top, left + width, top + height


def noise(rng: np.random.Generator, size: Size) -> np.ndarray:
    return rng.integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)


@pytest.mark.parametrize("name", ODD_MODELS)
def test_odd_models(name: str, renderer: Renderer, person_of: MakePerson) -> None:
    rng = np.random.default_rng([8, *name.encode()])
    for _ in range(MODELS_EACH):
        outfit, pose = (sorted(names)[int(rng.integers(len(names)))] for names in (OUTFITS, POSES))
        try:
            model = person_of(ODD_MODELS[name](draw_figure(pose, OUTFITS[outfit], SIZE), rng))
            appearance = decompose(model)
            made = Product(appearance, renderer.prepare(appearance), "warp", {})
            verdict.check_product(model)
        except TryonError:
            continue
        pose = Pose.of(person_of(draw_figure(random_pose(rng), size=SIZE)))
        render_and_judge(renderer, made, pose, retarget(model, pose.keypoints()))


def png(array: np.ndarray, mode: str | None = None) -> bytes:
    file = io.BytesIO()
    (Image.fromarray(array) if mode is None else Image.fromarray(array).convert(mode)).save(
        file, "JPEG" if mode == "CMYK" else "PNG"
    )
    return file.getvalue()


def gradient(rng: np.random.Generator, size: Size) -> np.ndarray:
    x, y = np.meshgrid(np.linspace(0, 1, size[0]), np.linspace(0, 1, size[1]))
    return (255 * np.clip(np.stack([x, y, x * y], axis=2) * rng.uniform(0.2, 1, 3), 0, 1)).astype(np.uint8)


def with_alpha(rgb: np.ndarray, rng: np.random.Generator) -> bytes:
    return png(np.dstack([rgb, rng.integers(0, 256, rgb.shape[:2]).astype(np.uint8)]))


def two(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.hstack([rgb, rgb[:, :: int(rng.choice([1, -1]))]])


ODD_IMAGES: dict[str, Callable[[np.ndarray, np.random.Generator], bytes]] = {
    "noise": lambda rgb, rng: png(noise(rng, SIZE)),
    "one colour": lambda rgb, rng: png(np.full_like(rgb, rng.integers(256))),
    "gradient": lambda rgb, rng: png(gradient(rng, SIZE)),
    "tiny": lambda rgb, rng: png(cv2.resize(rgb, tuple(rng.integers(1, 130, 2).tolist()))),
    "very wide": lambda rgb, rng: png(cv2.resize(rgb, (1500, 130))),
    "very tall": lambda rgb, rng: png(cv2.resize(rgb, (130, 1500))),
    "upside down": lambda rgb, rng: png(np.ascontiguousarray(rgb[::-1])),
    "mirrored": lambda rgb, rng: png(np.ascontiguousarray(rgb[:, ::-1])),
    "lying": lambda rgb, rng: png(np.ascontiguousarray(np.rot90(rgb, int(rng.choice([1, 3]))))),
    "a part of it": lambda rgb, rng: png(np.kron(rgb[40:110, 30:100], np.ones((3, 3, 1), np.uint8))),
    "two people": lambda rgb, rng: png(two(rgb, rng)),
    "inverted": lambda rgb, rng: png(255 - rgb),
    "very dark": lambda rgb, rng: png((rgb // int(rng.integers(10, 80))).astype(np.uint8)),
    "clipped": lambda rgb, rng: png(np.where(rgb > 128, 255, 0).astype(np.uint8)),
    "with alpha": with_alpha,
    "16 bit": lambda rgb, rng: png(rgb[..., 1].astype(np.uint16) * 257),
    "CMYK": lambda rgb, rng: png(rgb, "CMYK"),
    "palette": lambda rgb, rng: png(rgb, "P"),
    "cut short": lambda rgb, rng: png(rgb)[: int(rng.integers(0, 9000))],
    "bytes": lambda rgb, rng: rng.bytes(int(rng.integers(0, 3000))),
}


AS_PRODUCT = ("noise", "upside down", "lying", "a part of it", "two people", "inverted", "clipped", "with alpha")


@pytest.mark.parametrize(
    ("name", "role"), [*((name, "shopper") for name in ODD_IMAGES), *((name, "product") for name in AS_PRODUCT)]
)
def test_odd_images(name: str, role: str, pipeline: Pipeline) -> None:
    rng = np.random.default_rng([9, *name.encode(), *role.encode()])
    outfit, pose = (sorted(names)[int(rng.integers(len(names)))] for names in (OUTFITS, POSES))
    image = ODD_IMAGES[name](draw_figure(pose, OUTFITS[outfit], SIZE).photo, rng)
    good = encode(draw_figure("standing", OUTFITS["print_tee"], SIZE).photo, "png")
    photos, size = ((image, (good,)), FITTED) if role == "shopper" else ((good, (image,)), None)
    try:
        result = pipeline.render(RenderRequest(*photos, background="transparent", size=size))
    except TryonError:
        return
    assert_scores(dict(result.verdict.scores))
    if result.picture is not None:
        assert result.target is not None
        assert result.picture.shape == (*result.target.size[::-1], 4)
        assert result.target.size == (83, 111) or not size, "168 x 224 fitted into 150 x 111"
        assert result.verdict.status == "doubtful" or (result.picture[..., 3] > 127).mean() > 0.03, "nearly empty"
