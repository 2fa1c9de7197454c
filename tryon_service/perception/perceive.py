"""A photo to a Person: pose, matte, our own judgement of what is seen, parsing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tryon_service.errors import RefusedError
from tryon_service.perception.base import Matter, Parser, PoseEstimator
from tryon_service.perception.snap_edges import snap_edges
from tryon_service.perception.steady import both_estimates
from tryon_service.perception.studio_key import key_studio
from tryon_service.perception.visibility import agree_with_parsing, judge_seen
from tryon_service.types import Float32Array, Person, Photo, Reason

MIN_HEIGHT_SHARE = 0.2
"""Smallest height of a person as a share of the photo's."""
MIN_HEIGHT_PX = 96


def perceive(
    photo: Photo, *, role: str = "photo", pose: PoseEstimator, matter: Matter, parser: Parser, steady: bool = True
) -> Person:
    """Everything the later steps need to know about the one person in the photo.

    role: the photo's name in errors, "shopper", "product[1]", ...
    steady: take matte and parsing from the mean of the photo and its mirror image (steady.py), the matte's rim from a
    studio's known background (studio_key.py), the parts' edges from the photo (snap_edges.py). Without it the pose is
    the same for half the work, and which joints are seen hardly changes: enough for a photo that only lends its pose.
    Raises RefusedError with "no_person", "several_people" or "person_too_small", each reason naming the photo.
    """
    try:
        estimate, calm = both_estimates(pose, photo) if steady else (pose.estimate(photo),) * 2
        matte = matter.matte(photo, calm)
        if steady:
            matte = key_studio(photo.rgb, matte, estimate.keypoints)
        box = matte_box(matte)
        _check_size(box, photo)
    except RefusedError as error:
        reasons = [replace(reason, photo=reason.photo or role) for reason in error.reasons]
        raise RefusedError(reasons, error.detail) from error
    keypoints = replace(estimate.keypoints, seen=judge_seen(estimate.keypoints, matte))
    parsing = parser.parse(photo, replace(calm.keypoints, seen=keypoints.seen), matte)
    if steady:
        parsing = snap_edges(photo.rgb, parsing)
    keypoints = replace(keypoints, seen=keypoints.seen & agree_with_parsing(keypoints, parsing))
    return Person(photo, keypoints, matte, parsing, box)


def matte_box(matte: Float32Array) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) pixels of the matte above one half, right and bottom exclusive.

    Raises RefusedError("no_person") if there are none.
    """
    solid = matte > 0.5
    columns, rows = np.flatnonzero(solid.any(axis=0)), np.flatnonzero(solid.any(axis=1))
    if not len(rows):
        raise RefusedError([Reason("no_person")])
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _check_size(box: tuple[int, int, int, int], photo: Photo) -> None:
    height, frame = box[3] - box[1], photo.rgb.shape[0]
    limit = max(MIN_HEIGHT_PX, MIN_HEIGHT_SHARE * frame)
    if height < limit:
        reason = Reason("person_too_small", value=float(height), limit=float(limit))
        raise RefusedError([reason], f"The person is {height} pixels high; at least {limit:.0f} are needed.")
