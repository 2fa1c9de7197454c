from __future__ import annotations

import io
import time
from dataclasses import replace
from typing import NoReturn

import cv2
import numpy as np
import pytest
from PIL import Image

from tryon_service.analysis import working_size
from tryon_service.choice import mismatch
from tryon_service.errors import InputError, RefusedError, UnavailableError
from tryon_service.evaluation.ssim import ssim
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import STEPS, Job, Pipeline, Product, RenderRequest, shopper_pose
from tryon_service.poses.house import house_pose, names
from tryon_service.poses.pose import Pose
from tryon_service.report import describe, failed, report
from tryon_service.types import Part, Person, Reason, Size


@pytest.fixture(scope="module")
def shopper(pipeline: Pipeline, shopper_png: bytes) -> Person:
    return pipeline.analyse_pose(shopper_png)


@pytest.fixture(scope="module")
def product(pipeline: Pipeline, product_png: bytes) -> Product:
    return pipeline.analyse_product(product_png)


@pytest.fixture(scope="module")
def empty_png() -> bytes:
    return encode(np.full((400, 300, 3), 200, np.uint8), "png")


def test_two_photos_become_a_picture(pipeline: Pipeline, product_png: bytes, shopper_png: bytes) -> None:
    result = pipeline.render(RenderRequest(shopper_png, (product_png,)))
    assert result.verdict.status == "accepted"
    assert result.picture is not None
    assert result.picture.shape == (512, 384, 3)
    assert result.picture.dtype == np.uint8
    assert list(result.timings_ms) == [name for name, _ in STEPS]
    assert {network.name for network in result.networks} >= {"blazepose-detector", "blazepose-landmark-full"}


def test_same_photos_same_picture(pipeline: Pipeline, product_png: bytes, shopper_png: bytes) -> None:
    request = RenderRequest(shopper_png, (product_png,))
    fresh = Pipeline().render(request).picture
    np.testing.assert_array_equal(pipeline.render(request).picture, fresh)


def test_the_model_takes_its_own_pose_back(pipeline: Pipeline, product: Product, product_png: bytes) -> None:
    result = pipeline.render(RenderRequest(product_png, (product,)))
    assert result.picture is not None
    assert ssim(result.picture, product.person.photo.rgb, product.person.box) > 0.95


def test_analysed_photos_stand_for_bytes(
    pipeline: Pipeline, product: Product, shopper: Person, product_png: bytes, shopper_png: bytes
) -> None:
    from_bytes = pipeline.render(RenderRequest(shopper_png, (product_png,)))
    analysed = pipeline.render(RenderRequest(shopper, (product,)))
    np.testing.assert_array_equal(analysed.picture, from_bytes.picture)


def test_a_product_is_analysed_once_for_all_small_sizes(pipeline: Pipeline, product_png: bytes) -> None:
    first = pipeline.analyse_product(product_png)
    assert pipeline.analyse_product(product_png) is first
    assert pipeline.analyse_product(product_png, size=(200, 200)) is first
    assert pipeline.analyse_product(product_png, view="front") is not first


def test_size_never_enlarges(pipeline: Pipeline, product: Product, shopper: Person, product_png: bytes) -> None:
    result = pipeline.render(RenderRequest(shopper, (product_png,), size=(5000, 5000)))
    assert result.picture is not None
    assert result.picture.shape[:2] == product.person.photo.rgb.shape[:2]


@pytest.mark.parametrize(("own", "box", "worked_at"), [
    ((900, 1200), (90, 120), (576, 768)),
    ((900, 1200), (600, 4096), (768, 1024)),
    ((900, 1200), None, (900, 1200)),
    ((900, 1200), (4096, 4096), (900, 1200)),
    ((300, 400), (30, 40), (300, 400)),
    ((3000, 4000), None, (1536, 2048)),
])  # fmt: skip
def test_working_sizes(own: Size, box: Size | None, worked_at: Size) -> None:
    assert working_size(own, box) == worked_at


def test_a_thumbnail_is_the_large_picture_reduced(pipeline: Pipeline, product_png: bytes, shopper: Person) -> None:
    large, small = (
        pipeline.render(RenderRequest(shopper, (product_png,), background="transparent", size=size))
        for size in (None, (100, 4096))
    )
    assert large.picture is not None
    assert small.picture is not None
    assert large.target is not None
    assert small.target is not None
    assert small.verdict == large.verdict
    assert small.picture.shape == (133, 100, 4)
    assert small.target.size == (100, 133)
    scale = 100 / large.target.size[0]
    expected = (large.target.keypoints.xy + 0.5) * scale - 0.5
    np.testing.assert_allclose(small.target.keypoints.xy, expected, atol=1e-3)
    outline = small.picture[(small.picture[..., 3] > 20) & (small.picture[..., 3] < 235)]
    seen = cv2.resize(large.picture[..., 3], (100, 133), interpolation=cv2.INTER_AREA)
    assert np.abs(seen.astype(int) - small.picture[..., 3]).max() <= 1
    assert len(outline)


def test_backgrounds(pipeline: Pipeline, product: Product, shopper: Person) -> None:
    request = RenderRequest(shopper, (product,))
    clear = pipeline.render(replace(request, background="transparent")).picture
    assert clear is not None
    assert clear.shape == (512, 384, 4)
    assert clear[0, 0, 3] == 0
    assert clear[..., 3].max() == 255
    green = pipeline.render(replace(request, background="#10a020")).picture
    assert green is not None
    assert green[0, 0].tolist() == [0x10, 0xA0, 0x20]
    assert pipeline.render(replace(request, background="shopper")).picture is not None


def test_shopper_frame_is_the_shopper_photo(pipeline: Pipeline, product: Product, shopper: Person) -> None:
    result = pipeline.render(RenderRequest(shopper, (product,), frame="shopper"))
    assert result.picture is not None
    assert result.picture.shape == shopper.photo.rgb.shape
    assert result.target is not None
    np.testing.assert_array_equal(result.target.keypoints.xy, Pose.of(shopper).keypoints().xy)
    np.testing.assert_allclose(result.target.keypoints.xy, shopper.keypoints.xy, atol=1.0)


def test_a_pose_makes_the_same_picture_as_its_photo(
    pipeline: Pipeline, product: Product, shopper: Person, shopper_png: bytes
) -> None:
    pose = Pose.unpack(shopper_pose(shopper).pack())
    for options in ({}, {"frame": "shopper"}, {"size": (200, 300)}, {"background": "transparent"}):
        photo = pipeline.render(RenderRequest(shopper_png, (product,), **options))  # type: ignore[arg-type]
        token = pipeline.render(RenderRequest(pose, (product,), **options))  # type: ignore[arg-type]
        assert token.picture is not None
        np.testing.assert_array_equal(token.picture, photo.picture)
        assert token.verdict == photo.verdict
        assert token.choice == photo.choice


def test_a_pose_is_of_a_file_of_any_size(pipeline: Pipeline, product: Product, shopper_png: bytes) -> None:
    """A large photo is read in a smaller copy; its pose is in the file's own pixels all the same."""
    with Image.open(io.BytesIO(shopper_png)) as image:
        large = encode(np.asarray(image.convert("RGB").resize((1536, 2048))), "jpeg")
    pose = shopper_pose(pipeline.analyse_pose(large))
    assert pose.size == (1536, 2048)
    result = pipeline.render(RenderRequest(pose, (product,), frame="shopper"))
    assert result.target is not None
    assert result.target.size == (960, 1280)
    np.testing.assert_array_equal(
        result.picture, pipeline.render(RenderRequest(large, (product,), frame="shopper")).picture
    )


def test_a_photo_too_blurred_or_dark_has_no_pose(pipeline: Pipeline, shopper: Person) -> None:
    night = replace(shopper, photo=replace(shopper.photo, rgb=(shopper.photo.rgb // 30).astype(np.uint8)))
    with pytest.raises(RefusedError) as caught:
        shopper_pose(night)
    assert caught.value.code == "low_light"
    assert shopper_pose(shopper).doubts == ()


def test_a_doubt_of_the_photo_travels_with_its_pose(pipeline: Pipeline, product: Product, shopper: Person) -> None:
    blurred = Reason("blurred", "shopper", "", 0.75, 0.7)
    pose = Pose.unpack(Pose.of(shopper, [blurred]).pack())
    result = pipeline.render(RenderRequest(pose, (product,)))
    assert result.verdict.status == "doubtful"
    assert blurred in result.verdict.reasons


@pytest.mark.parametrize("name", names())
def test_every_house_pose_makes_a_picture_of_a_whole_body(pipeline: Pipeline, product: Product, name: str) -> None:
    result = pipeline.render(RenderRequest(house_pose(name), (product,), size=(192, 256)))
    assert result.verdict.status != "refused"
    assert result.picture is not None


def test_a_pose_has_no_background(pipeline: Pipeline, product: Product) -> None:
    with pytest.raises(InputError) as caught:
        RenderRequest(house_pose("standing"), (product,), background="shopper")
    assert (caught.value.code, caught.value.field) == ("invalid_option", "background")


def test_an_empty_photo_is_refused_by_name(pipeline: Pipeline, product: Product, empty_png: bytes) -> None:
    result = pipeline.render(RenderRequest(empty_png, (product,)))
    assert result.picture is None
    assert result.verdict.status == "refused"
    assert result.verdict.reasons == (Reason("no_person", "shopper"),)


def test_a_flat_lay_has_a_code_of_its_own(pipeline: Pipeline, shopper: Person, empty_png: bytes) -> None:
    result = pipeline.render(RenderRequest(shopper, (empty_png,)))
    assert [(reason.code, reason.photo) for reason in result.verdict.reasons] == [("no_model_in_product", "product")]
    with pytest.raises(RefusedError):
        pipeline.analyse_product(empty_png)


def test_a_mannequin_has_the_same_code_as_a_flat_lay(pipeline: Pipeline, shopper: Person) -> None:
    plastic = replace(OUTFITS["print_tee"], skin=(205, 205, 206), hair=(205, 205, 206))
    photo = encode(draw_figure("standing", plastic, (384, 512)).photo, "png")
    result = pipeline.render(RenderRequest(shopper=shopper, products=(photo,)))
    assert (result.verdict.status, result.verdict.reasons[0].code) == ("refused", "no_model_in_product")
    assert result.picture is None


def test_of_several_products_the_usable_one_is_used(
    pipeline: Pipeline, product: Product, shopper: Person, empty_png: bytes
) -> None:
    result = pipeline.render(RenderRequest(shopper, (empty_png, product)))
    assert result.product_used == 1
    both = pipeline.render(RenderRequest(shopper, (empty_png, empty_png)))
    assert both.verdict.reasons[0].photo == "product[0]"
    assert both.product_used == -1


def test_of_several_products_the_nearest_view_is_used(shopper: Person, product: Product) -> None:
    own = shopper.keypoints
    turned = own.world @ np.array([[0.8, 0, -0.6], [0, 1, 0], [0.6, 0, 0.8]], np.float32)
    assert mismatch(own, own) == 0
    assert mismatch(replace(own, world=turned), own) == pytest.approx(36.9, abs=0.1)
    legless = own.seen.copy()
    legless[[25, 26, 27, 28]] = False
    assert mismatch(replace(own, seen=legless), own) == pytest.approx(40)


def test_input_errors_come_through(pipeline: Pipeline, product: Product) -> None:
    with pytest.raises(InputError) as caught:
        pipeline.render(RenderRequest(b"no photo at all", (product,)))
    assert (caught.value.code, caught.value.field) == ("not_an_image", "shopper")


def test_too_late_is_said_before_the_next_step(pipeline: Pipeline, product: Product, shopper: Person) -> None:
    job = Job(RenderRequest(shopper, (product,), deadline=time.monotonic() - 1))
    with pytest.raises(UnavailableError) as caught:
        pipeline.run(job)
    assert caught.value.code == "deadline_exceeded"
    assert job.timings_ms == {}


def test_doubtful_is_not_enough_where_accepted_is_asked_for(pipeline: Pipeline, product: Product) -> None:
    raised = pipeline.analyse_pose(encode(draw_figure("arms_raised", OUTFITS["sport"], (384, 512)).photo, "png"))
    request = RenderRequest(raised, (product,))
    lenient = pipeline.render(request)
    assert lenient.verdict.status == "doubtful"
    assert lenient.picture is not None
    strict = pipeline.render(replace(request, min_verdict="accepted"))
    assert strict.verdict.status == "refused"
    assert strict.verdict.reasons == lenient.verdict.reasons
    assert strict.picture is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"background": "blue"}, "background"),
        ({"background": "#12345"}, "background"),
        ({"frame": "card"}, "frame"),
        ({"size": (0, 10)}, "size"),
        ({"min_verdict": "refused"}, "min_verdict"),
        ({"products": ()}, "product"),
        ({"views": ("front", "back")}, "views"),
        ({"views": ("top",)}, "views"),
    ],
)
def test_nonsense_is_refused_at_the_door(changes: dict[str, object], field: str) -> None:
    with pytest.raises(InputError) as caught:
        RenderRequest(**({"shopper": b"", "products": (b"",)} | changes))  # type: ignore[arg-type]
    assert caught.value.field == field


def test_an_unknown_renderer_is_named(pipeline: Pipeline) -> None:
    with pytest.raises(InputError, match="magic"):
        pipeline.render(RenderRequest(b"", (b"",), renderer="magic"))


def test_report_has_the_contract_names(pipeline: Pipeline, product: Product, shopper: Person) -> None:
    names = {
        "verdict",
        "reasons",
        "scores",
        "target_coco18",
        "product_used",
        "choice",
        "timings_ms",
        "renderer",
        "networks",
    }
    made = report(pipeline.render(RenderRequest(shopper, (product,))))
    assert set(made) == names
    assert len(made["target_coco18"]) == 18
    assert made["product_used"] == 0
    assert made["choice"]["view"] == "front"
    never = report(failed(InputError("not_an_image", field="shopper"), "warp"))
    assert set(never) == names
    assert never["verdict"] == "refused"
    assert never["target_coco18"] is None
    assert never["product_used"] is None
    assert never["choice"] is None
    assert never["reasons"] == [{"code": "not_an_image", "photo": "shopper", "part": "", "value": None, "limit": None}]


def test_reasons_are_described_in_words() -> None:
    assert describe(Reason("no_person", "shopper")) == ""
    assert describe(Reason("joint_hidden", "shopper", "left_wrist")) == "It is about the left wrist."
    assert (
        describe(Reason("back_view", "shopper", "torso", 171.4, 55.0)) == "It is about the torso: 171, the limit is 55."
    )


@pytest.mark.parametrize("with_head", [True, False])
def test_only_a_picture_with_a_head_must_be_recognised_again(
    product: Product, shopper: Person, with_head: bool
) -> None:
    def unrecognised(*_: object) -> NoReturn:
        raise RefusedError([Reason("no_person")])

    parsing = (
        product.person.parsing
        if with_head
        else np.where(product.person.parsing == Part.FACE, 0, product.person.parsing)
    )
    person = replace(product.person, parsing=parsing.astype(np.uint8))
    ours = Pipeline()
    ours.pose.follow = unrecognised  # type: ignore[method-assign]
    result = ours.render(
        RenderRequest(shopper, (replace(product, appearance=replace(product.appearance, person=person)),))
    )
    assert ("pose_agreement" in {reason.part for reason in result.verdict.reasons}) == with_head
    assert (result.picture is None) == with_head
