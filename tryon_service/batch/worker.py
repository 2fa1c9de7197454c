"""What every engine's workers do: take a product with its poses, leave pictures and rows. Warm between products."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from tryon_service.batch.catalogue import Card
from tryon_service.batch.job import Item, Shot, analyse_card, blank_row, described, read_card, render_item, unmade
from tryon_service.batch.keys import Recipe
from tryon_service.batch.ledger import Segment
from tryon_service.batch.outputs import open_outputs
from tryon_service.batch.poses import NamedPose
from tryon_service.batch.rows import Row, Status
from tryon_service.batch.sources import open_photos
from tryon_service.errors import CODES, TryonError
from tryon_service.types import NetworkId

if TYPE_CHECKING:
    from tryon_service.pipeline import Pipeline

ITEM_TIMEOUT = 120.0
"""Seconds that one item may take; a hundred times what is usual."""
START_TIMEOUT = 300.0
"""Seconds until a new worker has loaded its networks."""
BAD_STARTS = 3
"""Workers in a row that may die before they have begun."""
POLL = 0.5
"""Seconds after which somebody's wish to stop is noticed."""


Priority = Literal["batch", "shopper"]


@dataclass(frozen=True)
class Plan:
    """What workers need to know of a run; can be pickled.

    photos, out: folder or fsspec URL; recipe: of all pictures; again: statuses whose rows of earlier runs don't count;
    threads: of one worker, at least 1; cache: folder, which all workers may share, that keeps analysed products for
    further runs and for products with the same photos, None for none; cache_bytes: its room; priority: "batch" lets
    others go first, other processes here or a service's shoppers, "shopper" doesn't.
    """

    photos: str
    out: str
    recipe: Recipe
    again: frozenset[Status] = frozenset()
    threads: int = 1
    cache: Path | None = None
    cache_bytes: int = 0
    priority: Priority = "batch"


@dataclass(frozen=True)
class Task:
    """One batch: a product in poses. previous: rows of earlier runs, by the pose's name."""

    card: Card
    poses: tuple[NamedPose, ...]
    previous: Mapping[str, Row] = field(default_factory=dict)


@dataclass(frozen=True)
class Done:
    """statuses: of the rows there are now; kept: how many of them an earlier run has made."""

    product_id: str
    statuses: tuple[Status, ...]
    kept: int = 0


class Watch(Protocol):
    """Who looks on while a worker works."""

    def begun(self, blanks: Mapping[str, Row]) -> None:
        """The task's photos have been read. blanks: its items' rows as far as they are known, by the pose's name."""
        ...

    def item(self) -> None:
        """One more item is done."""
        ...

    def stop(self) -> bool:
        """Whether no further item is to be begun."""
        ...


def open_pipeline(plan: Plan) -> Pipeline:
    """With as many threads as a worker of this plan may have; in memory it keeps no product longer than its task.

    Raises ZooError and InputError for a renderer that can't be had."""
    from tryon_service.perception.runtime import limit_threads
    from tryon_service.pipeline import Pipeline

    limit_threads(plan.threads)
    pipeline = Pipeline(cache_bytes=0, cache_folder=plan.cache, cache_folder_bytes=plan.cache_bytes)
    pipeline.networks(plan.recipe.renderer)
    return pipeline


Opening = Callable[[Plan], "Pipeline"]
"""Makes a worker's pipeline, in the worker; importable by name."""


class Maker(Protocol):
    """What makes the pictures: a pipeline in this process, or a service. Raises what ends the run."""

    def networks(self) -> Sequence[NetworkId]:
        """That the content key counts."""
        ...

    def analyse(self, card: Card, shots: Sequence[Shot]) -> tuple[Shot, ...]:
        """The same photos, each with what was found or why it can't be used."""
        ...

    def render(self, item: Item, shots: Sequence[Shot]) -> tuple[Row, bytes | None]:
        """The item's row, and the picture's file if there is one. shots: as analyse left them."""
        ...


@dataclass(frozen=True)
class PipelineMaker:
    """In this process."""

    pipeline: Pipeline
    recipe: Recipe

    def networks(self) -> Sequence[NetworkId]:
        return self.pipeline.networks(self.recipe.renderer)

    def analyse(self, card: Card, shots: Sequence[Shot]) -> tuple[Shot, ...]:  # noqa: ARG002 - a service's need
        return analyse_card(self.pipeline, shots, self.recipe)

    def render(self, item: Item, shots: Sequence[Shot]) -> tuple[Row, bytes | None]:
        return render_item(self.pipeline, item, shots, self.recipe)


class CardWorker:
    """Renders products. Not shared between threads."""

    def __init__(self, plan: Plan, segment: Path, name: str, maker: Maker) -> None:
        """segment: Ledger.segment_path of this worker alone; name: for the column "worker".

        Raises InputError for photos and outputs that can't be opened.
        """
        self._plan, self._name, self._maker = plan, name, maker
        self._photos, self._outputs = open_photos(plan.photos), open_outputs(plan.out)
        self._segment = Segment(segment)

    def work(self, task: Task, watch: Watch) -> Done:
        """Every item has its picture in place, if it has one, and then its row in the journal. A photo or an item that
        fails is a row too. Raises UnavailableError for storage that fails and ZooError; then nothing is recorded."""
        shots: tuple[Shot, ...] = read_card(self._photos, task.card)
        blanks = {pose.name: self._blank(Item(task.card, pose), shots) for pose in task.poses}
        watch.begun(blanks)
        new, statuses, kept, analysed = list[Row](), list[Status](), 0, False
        for pose in task.poses:
            if watch.stop():
                break
            before, began = task.previous.get(pose.name), time.monotonic()
            if before is not None and self._still_good(before, blanks[pose.name].key):
                row, kept = described(before, task.card, shots), kept + 1
            else:
                if not analysed:
                    shots, analysed = self._maker.analyse(task.card, shots), True
                row = self._made(Item(task.card, pose), shots, before)
                row = replace(row, seconds=round(time.monotonic() - began, 3), worker=self._name)
            if row != before:
                new.append(row)
            statuses.append(row.status)
            watch.item()
        self._segment.add(new)
        return Done(task.card.product_id, tuple(statuses), kept)

    def give_up(self, task: Task, error: TryonError) -> Done:
        """Record that the task's one item can't be had. Raises UnavailableError for storage that fails."""
        (pose,) = task.poses
        item = Item(task.card, pose)
        row = unmade(self._blank(item, read_card(self._photos, task.card)), [error])
        self._outputs.remove(item.output(self._plan.recipe))
        self._segment.add([row])
        return Done(task.card.product_id, (row.status,))

    def _blank(self, item: Item, shots: tuple[Shot, ...]) -> Row:
        return blank_row(item, shots, self._plan.recipe, self._maker.networks())

    def _still_good(self, row: Row, key: str) -> bool:
        """Whether an earlier run's row and picture stand. What failed on our side is always tried again."""
        failed_here = row.status == "failed" and any(CODES[code].retryable for code in row.codes)
        if row.key != key or row.status in self._plan.again or failed_here:
            return False
        return not row.output or self._outputs.holds(row.output, row.output_sha256)

    def _made(self, item: Item, shots: tuple[Shot, ...], before: Row | None) -> Row:
        """The item's new row, its picture in place and no other one left."""
        row, picture = self._maker.render(item, shots)
        stale = {item.output(self._plan.recipe)} | ({before.output} if before and before.output else set())
        for name in sorted(stale - {row.output}):
            self._outputs.remove(name)
        if picture is not None:
            self._outputs.write(row.output, picture)
        return row
