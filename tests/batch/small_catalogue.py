"""A shop of a few words, and runs over its catalogue: in this process, or by workers."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, Self

from fake_pipeline import LOG, open_fake

from tryon_service.batch.catalogue import Catalogue
from tryon_service.batch.keys import Recipe
from tryon_service.batch.ledger import Ledger, open_ledger
from tryon_service.batch.outputs import STATE, open_outputs
from tryon_service.batch.poses import NamedPose
from tryon_service.batch.progress import Progress
from tryon_service.batch.rows import OF_THE_RUN
from tryon_service.batch.run import Engine, Run
from tryon_service.batch.worker import CardWorker, Done, PipelineMaker, Plan, Task
from tryon_service.poses.house import house_pose

POSES = tuple(NamedPose(name, house_pose(name)) for name in ("standing", "walking"))
RECIPE = Recipe("warp", "png")


class Nobody:
    """Doesn't look on."""

    def begun(self, _blanks: object) -> None: ...

    def item(self) -> None: ...

    def stop(self) -> bool:
        return False


@dataclass
class Shop:
    """A catalogue with a line for each photo, and its photos: what a photo's word says happens (fake_pipeline.py)."""

    folder: Path

    def __post_init__(self) -> None:
        self.photos.mkdir(parents=True)
        self.lines = ["product_id,view,file,colour"]

    @classmethod
    def again(cls, folder: Path) -> Self:
        """One whose catalogue has been written there."""
        shop = cls.__new__(cls)
        shop.folder = folder
        shop.lines = (folder / "catalogue.csv").read_text().splitlines()
        return shop

    @property
    def photos(self) -> Path:
        return self.folder / "photos"

    def add(self, product_id: str, word: str = "good", view: str = "front", file: str = "") -> None:
        name = file or f"{len(self.lines)}.jpg"
        if not file:
            (self.photos / name).write_bytes(f"{word} {product_id}".encode() if word else b"")
        self.lines.append(f"{product_id},{view},{name},blue")

    def write(self) -> Path:
        path = self.folder / "catalogue.csv"
        path.write_text("\n".join(self.lines) + "\n")
        return path

    def rendered(self) -> list[str]:
        """Pictures that were begun since the last time."""
        log = self.photos / LOG
        lines = log.read_text().splitlines() if log.exists() else []
        log.unlink(missing_ok=True)
        return lines

    def plan(self, out: Path, **changes: Any) -> Plan:
        return Plan(str(self.photos), str(out), **{"recipe": RECIPE, **changes})

    @contextmanager
    def opened(self, out: Path, limit: int | None = None, only_missing: bool = False) -> Iterator[tuple[Run, Ledger]]:
        catalogue = Catalogue(self.write(), "contract 7", limit)
        outputs = open_outputs(str(out))
        with open_ledger(out / STATE) as ledger:
            outputs.clear()
            yield Run(catalogue, POSES, ledger, only_missing), ledger

    def run(self, out: Path, **changes: Any) -> Progress:
        """In this process."""
        options = {name: changes.pop(name) for name in ("limit", "only_missing") if name in changes}
        with self.opened(out, **options) as (run, ledger):
            progress = Progress(run.items)
            assert run.render(inline(self.plan(out, **changes), ledger), progress, Event())
            run.finish("jsonl", open_outputs(str(out)))
            return progress


def inline(plan: Plan, ledger: Ledger) -> Engine:
    """One worker, in this process."""

    def render(tasks: Iterable[Task], _stop: Event) -> Iterator[Done]:
        worker = CardWorker(plan, ledger.segment_path("1"), "1", PipelineMaker(open_fake(plan), plan.recipe))
        return (worker.work(task, Nobody()) for task in tasks)

    return render


def files(out: Path) -> dict[str, bytes]:
    """Pictures by name."""
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.png")) if path.is_file()}


def table(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "results.jsonl").read_text().splitlines()]


def lasting(rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Without what may differ between two runs."""
    return [{name: value for name, value in row.items() if name not in OF_THE_RUN} for row in rows]


def with_format(image_format: str) -> Recipe:
    return replace(RECIPE, format=image_format)  # type: ignore[arg-type]
