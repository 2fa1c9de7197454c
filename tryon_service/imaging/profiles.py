"""Colour profiles: what a photo's numbers mean, said in sRGB's."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageCms

from tryon_service.imaging.decoders import STRIP_ROWS
from tryon_service.types import UInt8Array

logger = logging.getLogger(__name__)

_MODES = {1: "L", 3: "RGB", 4: "CMYK"}

Conversion = Callable[[Image.Image], Image.Image]
"""A picture of a known mode to an RGB one."""


def to_srgb(pixels: UInt8Array, icc: bytes) -> UInt8Array:
    """H x W x 1, 3 or 4 of grey, RGB or CMYK to H x W x 3 of sRGB, RGB in place. icc: a profile, b"" for none.

    Relative colorimetric with black point compensation, so white stays white. A profile that can't be used is ignored.
    """
    mode = _MODES[pixels.shape[2]]
    convert = _by_profile(mode, icc) if icc else None
    if convert is None and mode == "RGB":
        return pixels
    converted = pixels if mode == "RGB" else np.empty((*pixels.shape[:2], 3), np.uint8)
    for top in range(0, len(pixels), STRIP_ROWS):
        rows = slice(top, top + STRIP_ROWS)
        strip = Image.fromarray(pixels[rows, :, 0] if mode == "L" else pixels[rows], mode)
        converted[rows] = np.asarray(convert(strip) if convert else strip.convert("RGB"))
    return converted


def _by_profile(mode: str, icc: bytes) -> Conversion | None:
    """None where the profile can't be used or changes nothing."""
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(icc)),
            ImageCms.createProfile("sRGB"),
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        return None if mode == "RGB" and _is_identity(transform) else lambda strip: _applied(transform, strip)
    except (ImageCms.PyCMSError, OSError, ValueError):
        logger.info("a photo's %s colour profile of %d bytes can't be used and is ignored", mode, len(icc))
        return None


def _applied(transform: ImageCms.ImageCmsTransform, picture: Image.Image) -> Image.Image:
    return ImageCms.applyTransform(picture, transform) or picture


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it moves no colour by more than a level, as sRGB's own profile, the commonest by far, does."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(_applied(transform, Image.fromarray(colours)), np.int16)
    return bool(np.abs(moved - colours).max() <= 1)
