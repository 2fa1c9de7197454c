"""Every renderer that has its weights, on the same few cases: figures in one table, pictures side by side.

Pictures are drawn even where the verdict refuses the two poses, and its word is only counted: here the question is what
a renderer can do, not what a shop would show. PCK is the verdict's: joints that a look at the picture finds within a
fifth of the torso of where they were to go. Limbs are those of the suite pose.

SSIM is taken in three ways, never to be compared with one another. "SSIM 256x176" and "SSIM padded to 256x256" are the
protocols of published tables, a tenth apart for the same pictures; "SSIM in the person's box" is that of the suites
identity and cycle. The photo that lends the pose is the truth. Pairs from DeepFashion (pg2, deform, vunet: the method
whose output is in the column `published`) are compared as they are, others as portraits: truth and picture cut by the
frame of the truth's person, without their backgrounds. The column `source` is what the source, left as it is, gets.

Garments are measured with the ruler of the suite fidelity (CIEDE2000 of the mean colours, ratio of the texture's
energies; medians), but on a fresh look at the picture and on all its pixels, since of a generated picture none is the
photo's own. A garment that isn't found again only counts as lost. Cycle is the suite cycle, verdict and all.

Seconds and megabytes are those of a process that does nothing else, with everything opened before the clock starts: a
picture of 768 x 1024 pixels with its verdict, the product photo analysed in that time or before it.

The renderers of one person draw that person whatever the product is. They are on the page, but nothing compares what
they draw with a garment.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tryon_service.errors import ZooError
from tryon_service.evaluation.base import Findings, Options, Picture
from tryon_service.evaluation.drawing import fitted, note, sheet
from tryon_service.evaluation.records import Ledger, Record, read_strip
from tryon_service.evaluation.renderers_cases import KINDS, Case, cases, measure
from tryon_service.evaluation.renderers_cost import cost
from tryon_service.evaluation.renderers_table import table
from tryon_service.evaluation.speed import CORES
from tryon_service.pipeline import Pipeline
from tryon_service.renderers.base import RENDERERS, Renderer
from tryon_service.renderers.one_person import OnePersonRenderer
from tryon_service.types import UInt8Array

TILE = (192, 256)
COST = "cost"


@dataclass(frozen=True)
class Measured:
    """What was found out about one renderer. folder: of its records; records: by the case's key; cost: see
    renderers_cost.cost, empty where no case could be drawn."""

    folder: Path
    records: Mapping[str, Record]
    cost: Mapping[str, Any]


class Renderers:
    def run(self, pipeline: Pipeline, data: Path, options: Options) -> Findings:
        chosen = cases(data, options.limit)
        measured: dict[str, Measured] = {}
        absent: dict[str, str] = {}
        one_person: list[str] = []
        for name in RENDERERS.names():
            own = pipeline if name == pipeline.default_renderer else Pipeline(renderer=name)
            try:
                renderer = own.renderer(name)
            except ZooError as error:
                if error.code != "network_missing":
                    raise
                absent[name] = error.detail
                continue
            if isinstance(renderer, OnePersonRenderer):
                one_person.append(name)
            measured[name] = measured_on(own, renderer, chosen, options.out / name)
        figures = {
            "absent": absent,
            "one_person_whatever_the_product": one_person,
            "cases": {kind: [case.key for case in chosen if case.kind == kind] for kind in KINDS},
            "cores": CORES,
        }
        rows = table({name: (one.records, one.cost) for name, one in measured.items()}, chosen)
        pages = dict(sheets(chosen, measured))
        pictures = tuple(Picture(rgb, _caption(kind, chosen)) for kind, rgb in pages.items())
        files = {f"{kind}.png": rgb for kind, rgb in pages.items()}
        return Findings(figures, __doc__ or "", pictures, files, rows)


def measured_on(pipeline: Pipeline, renderer: Renderer, chosen: Sequence[Case], folder: Path) -> Measured:
    """One renderer on all cases that mean anything for it; those that are in the folder already are taken from there.

    Raises InputError if the folder is of other code or other weights.
    """
    folder.mkdir(exist_ok=True)
    info = renderer.info
    ledger = Ledger(folder, " ".join((info.name, *(network.sha256 for network in info.networks))))
    dresses = not isinstance(renderer, OnePersonRenderer)
    mine = [case for case in chosen if dresses or case.kind != "cycle"]
    for case in tqdm(mine, desc=info.name, unit="case", disable=None):
        if case.key not in ledger:
            record, picture = measure(pipeline, case, dresses=dresses)
            last = note(TILE, record["code"]) if picture is None else fitted(picture, TILE)
            ledger.add(case.key, record, sheet([[*(fitted(side, TILE) for side in case.sides()), last]]))
    records = {case.key: record for case, record in zip(mine, ledger.chosen([c.key for c in mine]), strict=True)}
    if COST not in ledger:
        usual = next((case for case in mine if case.kind == "poses" and records[case.key]["drawn"]), None)
        paid = cost(info.name, usual.product, usual.other) if usual and isinstance(usual.other, Path) else {}
        ledger.add(COST, {"cost": paid}, note(TILE, COST))
    return Measured(folder, records, ledger.chosen([COST])[0]["cost"])


def sheets(chosen: Sequence[Case], measured: Mapping[str, Measured]) -> Iterator[tuple[str, UInt8Array]]:
    """A sheet for each kind of case that there is: a row for each, what it is made of and then each renderer's."""
    for kind in KINDS:
        rows = [case for case in chosen if case.kind == kind]
        if rows:
            names = [*rows[0].side_names, *measured]
            yield kind, sheet([[note(TILE, name) for name in names], *(_row(case, measured) for case in rows)])


def _row(case: Case, measured: Mapping[str, Measured]) -> list[UInt8Array]:
    results = []
    for one in measured.values():
        left_out = case.key not in one.records
        results.append(note(TILE, "left out") if left_out else read_strip(one.folder, case.key)[:, -TILE[0] :])
    return [*(fitted(side, TILE) for side in case.sides()), *(np.ascontiguousarray(tile) for tile in results)]


def _caption(kind: str, chosen: Sequence[Case]) -> str:
    return f"{kind}: " + "; ".join(case.name for case in chosen if case.kind == kind)
