"""What a repair is worth on samples never trained on, as the service would show it, and sheets to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from tryon_service.evaluation.ssim import ssim
from tryon_service.renderers.nets.refine_input import over_grey
from tryon_service.renderers.permission import GAP, REAL, square
from tryon_service.renderers.repair import Answer, repair
from tryon_service.training.pictures import tiled, write_png
from tryon_service.training.refine_crops import rendered
from tryon_service.training.shards import Sample
from tryon_service.types import BoolArray, Float32Array, Keypoints, Part, Rendered, UInt8Array

_GARMENTS = (Part.UPPER, Part.OUTERWEAR, Part.DRESS, Part.SKIRT, Part.TROUSERS)


@dataclass(frozen=True)
class Judged:
    """One sample before and after. ssim_...: in the person's box, to the photo, both over grey; gradients_...: the same
    of the pictures' gradient magnitudes. tear_area, closed_area: pixels of the person that lie in gaps of the render
    no wider than permission.GAP, and those of them that the repair made opaque; missing_area: all pixels of the person
    that the render lacks, outlines beside their place included. still: mean change, in levels, of garment pixels of
    full coverage; nan where there are none. faces: pixels of the face that changed."""

    source: str
    kind: str
    ssim_before: float
    ssim_after: float
    gradients_before: float
    gradients_after: float
    tear_area: int
    closed_area: int
    missing_area: int
    still: float
    faces: int


@torch.no_grad()
def repaired_sample(net: nn.Module, sample: Sample, device: torch.device) -> tuple[Rendered, Rendered]:
    """The sample as it was drawn, and as the service would show it."""

    def run(*inputs: Float32Array) -> Answer:
        image, pose = (torch.from_numpy(part[np.newaxis]).to(device) for part in inputs)
        residual, blend, alpha = (answer[0].float().cpu().numpy() for answer in net(image, pose))
        return residual, blend, alpha

    drawn = rendered(sample)
    nowhere = np.zeros((len(sample.xy), 3), np.float32)
    xyz = np.column_stack([sample.xy, nowhere[:, 0]]).astype(np.float32)
    return drawn, repair(drawn, Keypoints(xyz, nowhere, sample.seen.astype(np.float32), sample.seen), run)


def judge(net: nn.Module, sample: Sample, device: torch.device) -> Judged:
    """The sample's figures."""
    before, after = repaired_sample(net, sample, device)
    person = sample.target_alpha > 127
    box = _box(person)
    pictures = [over_grey(before.rgb, before.alpha), over_grey(after.rgb, after.alpha), sample.target]
    edges = [_gradients(picture) for picture in pictures]
    missing = person & (before.alpha < 0.5)
    tears = missing & _closed(before.alpha > 0.5)
    change = np.abs(after.rgb.astype(np.int16) - before.rgb)
    cloth = np.isin(before.parsing, _GARMENTS) & (before.coverage > REAL) & (before.alpha > REAL)
    return Judged(
        sample.source,
        sample.kind,
        ssim(pictures[0], pictures[2], box),
        ssim(pictures[1], pictures[2], box),
        ssim(edges[0], edges[2], box),
        ssim(edges[1], edges[2], box),
        int(tears.sum()),
        int((tears & (after.alpha >= 0.5)).sum()),
        int(missing.sum()),
        float(change[cloth].mean()) if cloth.any() else float("nan"),
        int((change.any(axis=2) & (before.parsing == Part.FACE)).sum()),
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
    tears, closed, missing = (sum(row[name] for row in rows) for name in ("tear_area", "closed_area", "missing_area"))
    still = [row["still"] for row in rows if np.isfinite(row["still"])]
    return means | {
        "samples": float(len(rows)),
        "better_on": float(np.mean([row["ssim_after"] > row["ssim_before"] for row in rows])),
        "gradients_better_on": float(np.mean([row["gradients_after"] > row["gradients_before"] for row in rows])),
        "tears_closed": closed / tears if tears else 1.0,
        "missing_closed": closed / missing if missing else 1.0,
        "still": float(np.mean(still)) if still else 0.0,
        "faces": sum(row["faces"] for row in rows),
    }


def write_sheet(path: Path, net: nn.Module, samples: Sequence[Sample], device: torch.device, columns: int = 4) -> None:
    """A PNG of triplets over grey: before, after, truth; replaced whole."""
    tiles = []
    for sample in samples:
        shown = [over_grey(one.rgb, one.alpha) for one in repaired_sample(net, sample, device)]
        tiles.append(np.hstack([*shown, sample.target]))
    write_png(path, tiled(tiles, columns))


def _closed(solid: BoolArray) -> BoolArray:
    """The person with all gaps closed that are no wider than GAP."""
    return cv2.morphologyEx(solid.astype(np.uint8), cv2.MORPH_CLOSE, square(GAP * solid.shape[0])) > 0


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
