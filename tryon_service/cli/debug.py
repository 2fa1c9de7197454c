"""What the pipeline saw and made on the way to a picture, as PNG files for a person to look at."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tryon_service.cli.files import write_atomically
from tryon_service.evaluation.drawing import coloured, grey, over_chequers, rgb_of, skeleton
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Job
from tryon_service.types import Person, UInt8Array


def write_debug(folder: Path, job: Job) -> None:
    """Skeleton, matte and parsing of both photos, the product's layers, and the target; as far as the job came."""
    for name, picture in debug_pictures(job).items():
        write_atomically(folder / f"{name}.png", encode(picture, "png"))


def debug_pictures(job: Job) -> dict[str, UInt8Array]:
    """File name (without suffix) -> H x W x 3 uint8."""
    pictures: dict[str, UInt8Array] = {}
    if job.shopper:
        pictures |= _of_person("shopper", job.shopper)
    if job.product:
        pictures |= _of_person("product", job.product.person)
        pictures["product-background"] = job.product.appearance.background
        for name, layer in job.product.appearance.layers.items():
            pictures[f"layer-{name}"] = over_chequers(
                layer.rgba[..., :3], (layer.rgba[..., 3] / 255).astype(np.float32)
            )
    if job.rendered:
        pictures["rendered"] = over_chequers(job.rendered.rgb, job.rendered.alpha)
        pictures["rendered-parsing"] = coloured(job.rendered.parsing)
        pictures["rendered-coverage"] = grey(job.rendered.coverage)
    if job.target and job.picture is not None:
        pictures["target"] = skeleton(rgb_of(job.picture), job.target.keypoints)
    return pictures


def _of_person(name: str, person: Person) -> dict[str, UInt8Array]:
    return {
        f"{name}-skeleton": skeleton(person.photo.rgb, person.keypoints),
        f"{name}-matte": over_chequers(person.photo.rgb, person.matte),
        f"{name}-parsing": coloured(person.parsing),
    }
