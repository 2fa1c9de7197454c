"""Does the product photo come back when the shopper stands exactly like the model? No step knows that it is asked this.

(a) The model's own keypoints are the target, straight into the renderer: SSIM against the photo in the person's box.
(b) The whole pipeline, with the same photo at 80 % scale, shifted, JPEG quality 80 as the shopper: SSIM with both
    pictures at 256 pixels of height, in the person's box and over the whole picture.
"""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service.appearance.shadow import shade
from tryon_service.backdrop import backdrop
from tryon_service.errors import RefusedError
from tryon_service.evaluation.base import Findings, Options, Picture, model_photos
from tryon_service.evaluation.drawing import fitted, note, rgb_of, sheet
from tryon_service.evaluation.ssim import Box, ssim
from tryon_service.imaging.composite import composite
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Job, Pipeline, Product, RenderRequest
from tryon_service.types import RenderInput, TargetPose, UInt8Array

SCALE, SHIFT, QUALITY, HEIGHT = 0.8, (9, 6), 80, 256
TILE = (192, 256)


class Identity:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        rows, pictures = [], []
        for path in tqdm(model_photos(data, options.limit), desc="identity", unit="photo"):
            row, tiles = measure(pipeline, path)
            rows.append(row)
            caption = ", ".join(f"{key} {value:.3f}" for key, value in row.items() if isinstance(value, float))
            pictures.append(Picture(sheet([tiles]), f"{path.name}: {caption or row['refused']}"))
        return Findings(summary(rows), __doc__ or "", tuple(pictures))


def measure(pipeline: Pipeline, path: Path) -> tuple[dict[str, Any], list[UInt8Array]]:
    """One photo's figures, and tiles: the photo, (a), (b)."""
    data = path.read_bytes()
    row: dict[str, Any] = {"photo": path.name}
    try:
        product = pipeline.analyse_product(data)
    except RefusedError as error:
        return row | {"refused": error.code}, [note(TILE, error.code)]
    photo = product.person.photo.rgb
    own = own_pose(pipeline, product)
    row["own_keypoints"] = ssim(photo, own, product.person.box)
    tiles = [fitted(photo, TILE), fitted(own, TILE)]
    job = Job(RenderRequest(shopper=shifted(photo), products=(product,)))
    result = pipeline.run(job)
    if result.picture is None:
        code = result.verdict.reasons[0].code
        return row | {"refused": code}, [*tiles, note(TILE, code)]
    small = at_height(photo), at_height(rgb_of(result.picture))
    row["pipeline"] = ssim(*small, scaled_box(product.person.box, HEIGHT / photo.shape[0]))
    row["pipeline_whole_picture"] = ssim(*small)
    return row, [*tiles, fitted(rgb_of(result.picture), TILE)]


def own_pose(pipeline: Pipeline, product: Product) -> UInt8Array:
    """The product rendered at its own keypoints, over its own background."""
    person = product.person
    height, width = person.photo.rgb.shape[:2]
    target = TargetPose(person.keypoints, turn=0.0, size=(width, height))
    inputs = RenderInput(product.appearance, target, product.prepared)
    (rendered,) = pipeline.renderer(product.renderer).render([inputs])
    appearance = product.appearance
    shadow = shade(appearance.person, appearance.shadow, target)
    return composite(rendered, backdrop("product", appearance, appearance.person, target.size, shadow))


def shifted(photo: UInt8Array) -> bytes:
    """The photo at SCALE, moved by SHIFT pixels (right, down) with its edge continued, as JPEG."""
    small = cv2.resize(photo, None, fx=SCALE, fy=SCALE, interpolation=cv2.INTER_AREA)
    move = np.array([[1, 0, SHIFT[0]], [0, 1, SHIFT[1]]], np.float32)
    moved = cv2.warpAffine(small, move, (small.shape[1], small.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return encode(np.asarray(moved, np.uint8), "jpeg", quality=QUALITY)


def at_height(picture: UInt8Array) -> UInt8Array:
    width = round(picture.shape[1] * HEIGHT / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, HEIGHT), interpolation=cv2.INTER_AREA), np.uint8)


def scaled_box(box: Box, scale: float) -> Box:
    left, top, right, bottom = (round(edge * scale) for edge in box)
    return left, top, right, bottom


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    figures: dict[str, Any] = {"photos": len(rows), "refused": sum("refused" in row for row in rows)}
    for key in ("own_keypoints", "pipeline", "pipeline_whole_picture"):
        values = [row[key] for row in rows if key in row]
        if values:
            figures[key] = {"count": len(values), "median": statistics.median(values), "least": min(values)}
    return figures | {"rows": rows}
