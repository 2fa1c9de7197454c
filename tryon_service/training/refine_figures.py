"""What a repair is worth on samples never trained on, and sheets to look at."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from tryon_service.evaluation.ssim import ssim
from tryon_service.perception.nets.parser_input import CLASSES
from tryon_service.renderers.nets.refine_input import ALPHA, CLASS, COLOURS, GREY, LEVELS, WORKING
from tryon_service.training.refine_crops import Planes, whole
from tryon_service.training.refine_losses import repaired
from tryon_service.training.refine_losses import whole as untorn
from tryon_service.training.shards import Sample
from tryon_service.types import BoolArray, Float32Array, UInt8Array

_ROW = {name: CLASS.start + row for row, name in enumerate(CLASSES)}
_GARMENTS = [_ROW[name] for name in ("upper", "outerwear", "dress", "skirt", "trousers")]


@dataclass(frozen=True)
class Judged:
    """One sample at refine_input.WORKING. ssim_...: in the person's box, to the photo; gradients_...: the same of the
    pictures' gradient magnitudes. hole_area, closed_area: pixels of the person that the render left open, and those of
    them that the repair made opaque. still: mean change in levels of whole garment pixels; nan where there are none."""

    source: str
    kind: str
    ssim_before: float
    ssim_after: float
    gradients_before: float
    gradients_after: float
    hole_area: int
    closed_area: int
    still: float


@torch.no_grad()
def applied(net: nn.Module, planes: Planes, device: torch.device) -> tuple[Float32Array, Float32Array]:
    """h x w x 3 colours in [0, 255], laid over grey, and h x w opacity in [0, 1]. Faces keep their colours."""
    image, pose = (torch.from_numpy(part[None]).to(device) for part in (planes.image, planes.pose))
    face = image[:, _ROW["face"] : _ROW["face"] + 1] > 0
    answers: tuple[Tensor, ...] = net(image, pose)
    repair = repaired(image, face, *(answer.float() for answer in answers))
    return _levels(repair.colours[0].cpu().numpy()), repair.alpha[0, 0].cpu().numpy()


def judge(net: nn.Module, sample: Sample, device: torch.device) -> Judged:
    """The sample as the service would see it, before and after."""
    planes = whole(sample, min(WORKING, sample.alpha.shape[0]))
    before, truth = _levels(planes.image[COLOURS]), _levels(planes.truth)
    after, alpha = applied(net, planes, device)
    person = planes.truth_alpha[0] > 0.5
    box = _box(person)
    pictures = [np.rint(picture).astype(np.uint8) for picture in (before, after, truth)]
    edges = [_gradients(picture) for picture in pictures]
    holes = person & (planes.image[ALPHA] < 0.5)
    cloth = untorn(torch.from_numpy(planes.image[None]))[0, 0].numpy() & planes.image[_GARMENTS].any(axis=0)
    return Judged(
        sample.source,
        sample.kind,
        ssim(pictures[0], pictures[2], box),
        ssim(pictures[1], pictures[2], box),
        ssim(edges[0], edges[2], box),
        ssim(edges[1], edges[2], box),
        int(holes.sum()),
        int((holes & (alpha > 0.5)).sum()),
        float(np.abs(after - before)[cloth].mean()) if cloth.any() else float("nan"),
    )


def figures_of(judged: Sequence[Judged]) -> dict[str, dict[str, float]]:
    """By group: "held", all that went there and back; "real", pairs of two photos; and "held <source>"."""
    groups: dict[str, list[Judged]] = {}
    for one in judged:
        names = ["real"] if one.kind == "real" else ["held", f"held {one.source}"]
        for name in names:
            groups.setdefault(name, []).append(one)
    return {name: _summary([asdict(one) for one in group]) for name, group in sorted(groups.items())}


def _summary(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    names = ("ssim_before", "ssim_after", "gradients_before", "gradients_after")
    means = {name: float(np.mean([row[name] for row in rows])) for name in names}
    area = sum(row["hole_area"] for row in rows)
    still = [row["still"] for row in rows if np.isfinite(row["still"])]
    return means | {
        "samples": float(len(rows)),
        "better_on": float(np.mean([row["ssim_after"] > row["ssim_before"] for row in rows])),
        "gradients_better_on": float(np.mean([row["gradients_after"] > row["gradients_before"] for row in rows])),
        "holes_closed": sum(row["closed_area"] for row in rows) / area if area else 1.0,
        "still": float(np.mean(still)) if still else 0.0,
    }


def write_sheet(path: Path, net: nn.Module, samples: Sequence[Sample], device: torch.device, columns: int = 4) -> None:
    """A PNG of triplets: input, output laid over grey by its own opacity, truth; replaced whole."""
    tiles = []
    for sample in samples:
        planes = whole(sample, min(WORKING, sample.alpha.shape[0]))
        colours, alpha = applied(net, planes, device)
        before = planes.image[ALPHA]
        # Where the repair takes a strip away grey is to be seen, whatever colour it has.
        kept = np.where(before > 0.05, np.minimum(alpha / np.maximum(before, 0.05), 1), 1)
        shown = GREY + kept[..., None] * (colours - GREY)
        tiles.append(np.hstack([_levels(planes.image[COLOURS]), shown, _levels(planes.truth)]))
    height, width = (max(tile.shape[axis] for tile in tiles) for axis in (0, 1))
    rows = -(-len(tiles) // columns)
    sheet = np.full((rows * height, min(columns, len(tiles)) * width, 3), 255, np.uint8)
    for index, tile in enumerate(tiles):
        top, left = index // columns * height, index % columns * width
        sheet[top : top + tile.shape[0], left : left + tile.shape[1]] = np.rint(tile)
    _, coded = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    partial = path.with_name(path.name + ".part")
    partial.write_bytes(coded.tobytes())
    os.replace(partial, path)


def _levels(planes: Float32Array) -> Float32Array:
    """3 x h x w in units of LEVELS to h x w x 3 in [0, 255]."""
    return np.asarray(np.clip((planes.transpose(1, 2, 0) + 1) * LEVELS, 0, 255), np.float32)


def _gradients(rgb: UInt8Array) -> UInt8Array:
    """h x w x 1 gradient magnitude of the brightness, Sobel, clipped to 255."""
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    across, down = cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1)
    return np.clip(cv2.magnitude(across, down), 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2)


def _box(person: BoolArray) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) round the person; the whole picture if there is none."""
    columns, rows = np.flatnonzero(person.any(axis=0)), np.flatnonzero(person.any(axis=1))
    if not len(rows):
        return 0, 0, person.shape[1], person.shape[0]
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
