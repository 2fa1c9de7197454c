from __future__ import annotations

from typing import Any

import pytest

from tryon_service.engine import convert
from tryon_service.errors import InputError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import from_reason
from tryon_service.products.records import ProductRecord, photo_record
from tryon_service.types import Reason

ROW: dict[str, Any] = {
    "verdict": "doubtful",
    "reasons": [{"code": "blurred", "photo": "product", "part": "person", "value": 0.6, "limit": 0.5}],
    "scores": {"coverage": 0.9},
    "target_coco18": [[1.5, 2.0, 1], [-3.0, 4.0, 0]],
    "product_used": 0,
    "choice": {
        "view": "front",
        "shopper_view": "three_quarter",
        "degrees_apart": 12.5,
        "movement": 3.25,
        "missing": ["left_wrist"],
    },
    "timings_ms": {"render": 12.0},
    "renderer": "warp",
    "networks": [{"name": "net", "sha256": "ab"}],
}


def test_nothing_said_means_the_defaults() -> None:
    assert convert.options_row(pb.RenderOptions()) == {
        "background": "product",
        "size": [],
        "format": "",
        "renderer": "",
        "min_verdict": "doubtful",
        "original_if_refused": False,
    }


@pytest.mark.parametrize(("width", "height", "size"), [(768, 0, [768, 4096]), (0, 9, [4096, 9]), (3, 4, [3, 4])])
def test_a_side_left_out_is_not_limited(width: int, height: int, size: list[int]) -> None:
    assert convert.options_row(pb.RenderOptions(width=width, height=height))["size"] == size


@pytest.mark.parametrize(
    ("options", "code", "field"),
    [
        (pb.RenderOptions(task="wear"), "unsupported_task", "task"),
        (pb.RenderOptions(background="#12345"), "invalid_option", "background"),
        (pb.RenderOptions(width=4097), "invalid_option", "width"),
        (pb.RenderOptions(height=1 << 31), "invalid_option", "height"),
        (pb.RenderOptions(format="gif"), "invalid_option", "format"),
        (pb.RenderOptions(format="jpeg", background="transparent"), "invalid_option", "format"),
        (pb.RenderOptions(min_verdict=pb.VERDICT_STATUS_REFUSED), "invalid_option", "min_verdict"),
    ],
)
def test_bad_options_name_their_field(options: pb.RenderOptions, code: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        convert.options_row(options)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.detail


def test_priorities_and_views() -> None:
    assert [convert.priority_of(one) for one in (0, 1, 2)] == ["shopper", "shopper", "batch"]  # type: ignore[arg-type]
    assert [convert.view_of(one, "view") for one in range(5)] == [None, "front", "three_quarter", "side", "back"]  # type: ignore[arg-type]
    for wrong in (lambda: convert.priority_of(9), lambda: convert.view_of(9, "view")):  # type: ignore[arg-type]
        with pytest.raises(InputError):
            wrong()


def test_a_report_keeps_everything() -> None:
    report = convert.report_of(ROW)
    assert report.verdict == pb.VERDICT_STATUS_DOUBTFUL
    assert from_reason(report.reasons[0]) == Reason("blurred", "product", "person", 0.6, 0.5)
    assert dict(report.scores) == {"coverage": 0.9}
    assert [(joint.x, joint.y, joint.seen) for joint in report.target_coco18] == [(1.5, 2.0, True), (-3.0, 4.0, False)]
    assert report.HasField("product_used")
    assert (report.choice.view, report.choice.shopper_view) == (pb.VIEW_FRONT, pb.VIEW_THREE_QUARTER)
    assert (report.choice.degrees_apart, report.choice.movement) == (12.5, 3.25)
    assert list(report.choice.missing) == ["left_wrist"]
    assert dict(report.timings_ms) == {"render": 12.0}
    assert (report.networks[0].name, report.networks[0].sha256) == ("net", "ab")


def test_an_early_refusal_has_no_pose_and_no_choice() -> None:
    report = convert.report_of({**ROW, "target_coco18": None, "product_used": None, "choice": None})
    assert not report.target_coco18
    assert not report.HasField("product_used")
    assert not report.HasField("choice")


@pytest.mark.parametrize(
    ("places", "total", "photo", "used", "renamed", "place"),
    [
        ([0], 1, "product", 0, "product", 0),
        ([2], 3, "product", 0, "product[2]", 2),
        ([0, 2], 3, "product[1]", 1, "product[2]", 2),
        ([0, 2], 3, "shopper", None, "shopper", None),
    ],
)
def test_photos_are_counted_on_the_whole_card(
    places: list[int], total: int, photo: str, used: int | None, renamed: str, place: int | None
) -> None:
    row = {**ROW, "reasons": [{**ROW["reasons"][0], "photo": photo}], "product_used": used}
    found = convert.renumbered(row, places, total)
    assert (found["reasons"][0]["photo"], found["product_used"]) == (renamed, place)


def test_a_product_keeps_everything() -> None:
    photos = (
        photo_record(b"1", "front", "front", (3, 4)),
        photo_record(b"22", None, None, (5, 6), [Reason("blurred", "product[1]", "person", 0.9, 0.5)]),
    )
    record = ProductRecord("id", photos, "contract 7", 10, 20)
    product = convert.product_of(record)
    assert (product.id, product.rights_reference, product.digest) == ("id", "contract 7", record.digest)
    assert (product.created_at, product.updated_at) == (10, 20)
    assert [(one.sha256, one.bytes, one.width, one.height) for one in product.photos] == [
        (photos[0].sha256, 1, 3, 4),
        (photos[1].sha256, 2, 5, 6),
    ]
    assert [(one.view, one.seen_view) for one in product.photos] == [(pb.VIEW_FRONT, pb.VIEW_FRONT), (0, 0)]
    assert [from_reason(reason) for reason in product.photos[1].reasons] == list(photos[1].reasons)
