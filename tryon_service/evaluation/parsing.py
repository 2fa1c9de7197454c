"""How good is the parsing? Measured on any folder with photos/ and labels/ in CCP's form.

Every photo goes through pose, matte and parser as in a render; where no person is found the parser decides alone, if
it can. IoU is counted over all pixels of all photos. The mean is over ten classes, for which left and right, and face,
limbs and torso skin, count as one; kinds of skin in the labels are told apart by the pose, so theirs say less.
`mirror` is the share of the person's pixels on which the flipped photo's parsing, flipped back and with sides
exchanged, says the same. `bare_arms` is the share of bare-arm pixels found: on the photos in three groups by measured
skin lightness (with 95 % bootstrap intervals over photos), and with all skin recoloured dark and light.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.appearance.agreement import Confusion, confusion, iou, merged, person_iou, summary
from tryon_service.appearance.labelled import Entry, check_folder, read_ids, read_rgb, to_parts
from tryon_service.appearance.labels import MERGED
from tryon_service.appearance.skin_tone import lightness, tinted_skin
from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options, Picture
from tryon_service.evaluation.drawing import coloured, fitted, sheet
from tryon_service.perception.parse_onnx import OnnxParser
from tryon_service.perception.steady import steady_estimate
from tryon_service.pipeline import Pipeline
from tryon_service.types import Float32Array, Keypoints, Part, Photo, UInt8Array

WORST = 24
TILE = (220, 330)
DARK, LIGHT = -0.8, 0.8
BOOTSTRAPS = 1000
_ARMS = (Part.LEFT_ARM, Part.RIGHT_ARM)
_SKIN = MERGED["skin"]
_GROUPS = {name: [int(part) for part in parts] for name, parts in MERGED.items()}
_NAMES = [part.name.lower() for part in Part]
_CELL = 62


@dataclass(frozen=True)
class Seen:
    """What perception makes of a photo before parsing; nothing where no person is found."""

    keypoints: Keypoints | None = None
    matte: Float32Array | None = None


@dataclass(frozen=True)
class Judged:
    """One photo's figures. counts: 15 x 15, truth by answer; arms: found and all bare-arm pixels as it is, with dark
    and with light skin, 3 x 2; agreed: pixels on which the mirrored photo agrees, and the person's pixels."""

    name: str
    counts: Confusion
    arms: np.ndarray
    agreed: tuple[int, int]
    skin_lightness: float
    found: bool
    strip: UInt8Array | None = None

    @property
    def score(self) -> float:
        """Mean IoU over the merged classes in the photo's labels."""
        return summary(self.counts, _NAMES, _GROUPS)["miou"]


class Parsing:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        folder = data if (data / "photos").is_dir() else data / "ccp"
        entries, table = check_folder(folder)
        judged: list[Judged] = []
        for entry in tqdm(entries[: options.limit], desc="parsing", unit="photo", disable=None):
            judged = without_pictures([*judged, judge(pipeline, entry, table)])
        total = np.sum([one.counts for one in judged], axis=0)
        worst = sorted((one for one in judged if one.strip is not None), key=lambda one: one.score)
        pictures = [
            Picture(confusion_picture(merged(total, list(_GROUPS.values()))), "truth (rows) by answer, per cent")
        ]
        pictures += [Picture(one.strip, f"{one.name}, {one.score:.2f}") for one in worst if one.strip is not None]
        note = f"{__doc__}\nBelow: confusion of the ten classes, and the worst photos, each as photo, labels, answer."
        return Findings(figures_of(judged, total), note, tuple(pictures))


def judge(pipeline: Pipeline, entry: Entry, table: UInt8Array) -> Judged:
    assert entry.label is not None  # check_folder's entries have labels
    rgb, ids = read_rgb(entry.photo), read_ids(entry.label)
    seen = perceived(pipeline, rgb)
    xy = seen.keypoints.xy if seen.keypoints is not None else np.full((33, 2), np.nan, np.float32)
    truth = to_parts(ids, table, xy)
    answer = parsed(pipeline, rgb, seen)
    skin, arm = np.isin(truth, _SKIN), np.isin(truth, _ARMS)
    answers = [answer, *(parsed(pipeline, tinted_skin(rgb, skin, shift), seen) for shift in (DARK, LIGHT))]
    arms = np.array([[np.count_nonzero(np.isin(one[arm], _ARMS)), np.count_nonzero(arm)] for one in answers])
    flipped = np.ascontiguousarray(rgb[:, ::-1])
    back = swapped(parsed(pipeline, flipped, perceived(pipeline, flipped))[:, ::-1])
    person = answer > 0
    strip = sheet([[fitted(one, TILE) for one in (rgb, coloured(truth), coloured(answer))]])
    return Judged(
        entry.name,
        confusion(truth, answer, len(Part)),
        arms,
        (int(np.count_nonzero(person & (back == answer))), int(np.count_nonzero(person))),
        lightness(rgb, skin),
        seen.keypoints is not None,
        strip,
    )


def perceived(pipeline: Pipeline, rgb: UInt8Array) -> Seen:
    photo = Photo(rgb, (rgb.shape[1], rgb.shape[0]), digest="")
    try:
        estimate = steady_estimate(pipeline.pose, photo, pipeline.pose.estimate(photo))
        return Seen(estimate.keypoints, pipeline.matter.matte(photo, estimate))
    except RefusedError:
        return Seen()


def parsed(pipeline: Pipeline, rgb: UInt8Array, seen: Seen) -> UInt8Array:
    """H x W Part ids."""
    parser = pipeline.parser
    if seen.keypoints is not None and seen.matte is not None:
        return parser.parse(Photo(rgb, (rgb.shape[1], rgb.shape[0]), digest=""), seen.keypoints, seen.matte)
    return parser.read(rgb) if isinstance(parser, OnnxParser) else np.zeros(rgb.shape[:2], np.uint8)


def swapped(parts: UInt8Array) -> UInt8Array:
    """Left and right exchanged."""
    table = np.arange(len(Part), dtype=np.uint8)
    for left, right in ((Part.LEFT_ARM, Part.RIGHT_ARM), (Part.LEFT_LEG, Part.RIGHT_LEG)):
        table[left], table[right] = right, left
    return table[parts]


def figures_of(judged: Sequence[Judged], total: Confusion) -> dict[str, Any]:
    agreed = np.sum([one.agreed for one in judged], axis=0)
    arms = np.sum([one.arms for one in judged], axis=0)
    by_class = zip(_NAMES, iou(total), strict=True)
    by_group = zip(_GROUPS, iou(merged(total, list(_GROUPS.values()))), strict=True)
    return {
        "photos": len(judged),
        "no_person_found": sum(not one.found for one in judged),
        "miou_ten_classes": round(summary(total, _NAMES, _GROUPS)["miou"], 4),
        "person_iou": round(person_iou(total), 4),
        "mirror": _share(int(agreed[0]), int(agreed[1])),
        "iou_ten_classes": {name: _rounded(value) for name, value in by_group},
        "iou_parts": {name: _rounded(value) for name, value in by_class},
        "bare_arms": {
            name: _share(int(found), int(there))
            for name, (found, there) in zip(("all", "dark", "light"), arms, strict=True)
        },
        "bare_arms_by_lightness": arms_by_lightness(judged),
        "worst": [one.name for one in sorted(judged, key=lambda one: one.score)[:WORST]],
    }


def arms_by_lightness(judged: Sequence[Judged]) -> list[dict[str, Any]]:
    """Recall of bare arms in thirds of the photos that show any, dark to light."""
    bare = sorted((one for one in judged if one.arms[0, 1]), key=lambda one: one.skin_lightness)
    rng = np.random.default_rng(0)
    rows = []
    for third in np.array_split(np.arange(len(bare)), 3):
        counts = np.array([bare[i].arms[0] for i in third])
        if not len(counts):
            continue
        drawn = counts[rng.integers(len(counts), size=(BOOTSTRAPS, len(counts)))].sum(axis=1)
        low, high = np.quantile(drawn[:, 0] / np.maximum(drawn[:, 1], 1), (0.025, 0.975))
        rows.append(
            {
                "lightness": [round(bare[i].skin_lightness, 1) for i in (third[0], third[-1])],
                "photos": len(third),
                "recall": _share(*(int(count) for count in counts.sum(axis=0))),
                "interval": [round(float(low), 4), round(float(high), 4)],
            }
        )
    return rows


def confusion_picture(matrix: Confusion) -> UInt8Array:
    """H x W x 3: each row of the merged matrix in per cent of its truth, darker for more."""
    names = list(_GROUPS)
    side = _CELL * (len(names) + 1)
    picture = np.full((side, side, 3), 255, np.uint8)
    share = matrix / np.maximum(matrix.sum(axis=1, keepdims=True), 1)
    for row, name in enumerate(names):
        top = _CELL * (row + 1)
        _write(picture, name[:9], (2, top + _CELL // 2))
        _write(picture, name[:9], (top + 2, _CELL // 2))
        for column in range(len(names)):
            left = _CELL * (column + 1)
            level = int(255 - 175 * share[row, column])
            picture[top : top + _CELL - 1, left : left + _CELL - 1] = (level, level, 255)
            _write(picture, f"{100 * share[row, column]:.1f}", (left + 10, top + _CELL // 2))
    return picture


def without_pictures(judged: list[Judged]) -> list[Judged]:
    """Only the worst keep their strips, so that memory stays flat."""
    with_strip = sorted((one for one in judged if one.strip is not None), key=lambda one: one.score)
    keep = {id(one) for one in with_strip[:WORST]}
    fields = ("name", "counts", "arms", "agreed", "skin_lightness", "found")
    return [one if id(one) in keep else Judged(*(getattr(one, field) for field in fields)) for one in judged]


def _write(picture: UInt8Array, text: str, at: tuple[int, int]) -> None:
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (20, 20, 20), 1, cv2.LINE_AA)


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None


def _rounded(value: float) -> float | None:
    return None if np.isnan(value) else round(float(value), 4)
