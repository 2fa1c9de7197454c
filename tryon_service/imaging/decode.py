"""Bytes to a Photo: checked at the door, verified whole, turned upright, brought to sRGB, stripped of metadata.

The decoder sees a copy of the file without metadata (containers.pixels_only), so no Exif, MPF or text parser but our
own runs on a stranger's bytes, and Pillow's file classes are called by name, so no other format can be reached.
"""

from __future__ import annotations

import hashlib
import io
import logging
import struct
from importlib import import_module

import cv2
import numpy as np
from PIL import Image, ImageChops, ImageCms, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from tryon_service.errors import InputError
from tryon_service.imaging import metadata
from tryon_service.imaging.containers import DamagedFileError, Header, pixels_only
from tryon_service.imaging.frames import fit_size
from tryon_service.imaging.limits import DEFAULT_LIMITS, Limits, inspect
from tryon_service.types import Photo, Size, UInt8Array

logger = logging.getLogger(__name__)

_DECODER_ERRORS = (OSError, SyntaxError, ValueError, RuntimeError, EOFError, LookupError, TypeError, struct.error)
"""What Pillow's decoders are known to raise on damaged files."""

_STRIP_ROWS = 256


def decode(data: bytes, field: str = "photo", max_side: int | None = None, limits: Limits = DEFAULT_LIMITS) -> Photo:
    """Decode a photo, reduced to max_side pixels on its longer side if it is larger (JPEG already while decoding).

    Transparent pixels are laid over white; 16-bit samples become 8-bit; a colour profile that can't be used is ignored.
    Deterministic. Raises InputError, with field, as limits.inspect does, and truncated_image for damaged pixel data.
    """
    header = inspect(data, field, limits)
    target = fit_size(header.stored, (max_side, max_side)) if max_side else header.stored
    try:
        image = _load(pixels_only(data, header.format), header, target)
        image = _to_srgb(_shrunk(_eight_bit(image), target), header.icc)
    except DamagedFileError as error:
        raise InputError("truncated_image", str(error), field) from error
    except _DECODER_ERRORS as error:
        raise InputError("truncated_image", "Its pixels can't be decoded.", field) from error
    stored = _array(image)
    del image
    return Photo(
        rgb=_upright(stored, header.orientation),
        size=header.size,
        digest=hashlib.sha256(data).hexdigest(),
        credit=metadata.read_credit(header.iptc, header.xmp, header.exif),
    )


def _load(data: bytes, header: Header, target: Size) -> Image.Image:
    image = _open(data, header.format)
    if image.size != header.stored:
        raise DamagedFileError(f"It says {header.stored} pixels in one place and {image.size} in another.")
    if header.format == "jpeg":
        image.draft(None, target)  # decodes at 1/2, 1/4 or 1/8 where that still covers the target
    image.load()
    if image.mode == "CMYK" and "adobe" not in image.info:
        # Pillow always undoes the inversion that Adobe's marker announces; without the marker there was none.
        return ImageChops.invert(image)
    return image


def _open(data: bytes, image_format: str) -> ImageFile.ImageFile:
    file = io.BytesIO(data)
    if image_format == "jpeg":
        return JpegImageFile(file)
    if image_format == "png":
        return PngImageFile(file)
    if image_format == "webp":
        return WebPImageFile(file)
    heic: ImageFile.ImageFile = import_module("pillow_heif.as_plugin").HeifImageFile(file)  # an extra
    return heic


def _eight_bit(image: Image.Image) -> Image.Image:
    """Any of Pillow's modes to L, RGB or CMYK of 8 bits, transparency laid over white."""
    if image.mode.startswith("I"):
        samples = np.asarray(image, np.float32)
        image = Image.fromarray(np.rint(samples * (255 / 65535)).clip(0, 255).astype(np.uint8))
    if "transparency" in image.info or image.mode == "PA":
        image = image.convert("RGBA")
    if image.mode in ("LA", "RGBA"):
        canvas = Image.new(image.mode.removesuffix("A"), image.size, "white")
        canvas.paste(image, mask=image)
        return canvas
    if image.mode == "1":
        return image.convert("L")
    return image if image.mode in ("L", "RGB", "CMYK") else image.convert("RGB")


def _shrunk(image: Image.Image, target: Size) -> Image.Image:
    if image.size == target:
        return image
    return Image.fromarray(cv2.resize(_array(image), target, interpolation=cv2.INTER_AREA), image.mode)


def _to_srgb(image: Image.Image, icc: bytes) -> Image.Image:
    """Relative colorimetric with black point compensation, so white stays white; in place where the mode allows."""
    if icc:
        try:
            transform = ImageCms.buildTransform(
                ImageCms.ImageCmsProfile(io.BytesIO(icc)),
                ImageCms.createProfile("sRGB"),
                image.mode,
                "RGB",
                ImageCms.Intent.RELATIVE_COLORIMETRIC,
                ImageCms.Flags.BLACKPOINTCOMPENSATION,
            )
            if image.mode != "RGB":
                return ImageCms.applyTransform(image, transform) or image
            if not _is_identity(transform):
                ImageCms.applyTransform(image, transform, inPlace=True)
        except (ImageCms.PyCMSError, OSError, ValueError):
            logger.info("a photo's %s colour profile of %d bytes can't be used and is ignored", image.mode, len(icc))
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_identity(transform: ImageCms.ImageCmsTransform) -> bool:
    """Whether it moves no colour by more than a level, as sRGB's own profile, the commonest by far, does."""
    levels = np.linspace(0, 255, 9).astype(np.uint8)
    colours = np.stack(np.meshgrid(levels, levels, levels), axis=-1).reshape(27, 27, 3)
    moved = np.asarray(ImageCms.applyTransform(Image.fromarray(colours), transform), np.int16)
    return bool(np.abs(moved - colours).max() <= 1)


def _array(image: Image.Image) -> UInt8Array:
    """H x W [x C], copied in strips: numpy's own conversion would need the whole picture twice more."""
    width, height = image.size
    bands = len(image.getbands())
    array = np.empty((height, width, bands) if bands > 1 else (height, width), np.uint8)
    for top in range(0, height, _STRIP_ROWS):
        array[top : top + _STRIP_ROWS] = np.asarray(image.crop((0, top, width, min(top + _STRIP_ROWS, height))))
    return array


def _upright(stored: UInt8Array, orientation: int) -> UInt8Array:
    """Undo what Exif's orientation says: 5 to 8 are transposed, and each is then flipped along x, y, both or none."""
    picture = stored.transpose(1, 0, 2) if orientation >= 5 else stored
    if orientation in (2, 3, 6, 7):
        picture = picture[:, ::-1]
    if orientation in (3, 4, 7, 8):
        picture = picture[::-1]
    return np.ascontiguousarray(picture)
