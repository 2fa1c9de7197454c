"""A run from the catalogue to the table: what is still to be done goes to an engine, and every row is accounted for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from threading import Event

from tryon_service.batch.catalogue import Catalogue
from tryon_service.batch.job import unusable_row
from tryon_service.batch.ledger import Ledger
from tryon_service.batch.outputs import Outputs
from tryon_service.batch.poses import NamedPose
from tryon_service.batch.progress import Progress
from tryon_service.batch.results import TableFormat, write_table
from tryon_service.batch.rows import Row
from tryon_service.batch.worker import Done, Task
from tryon_service.errors import UnavailableError

Engine = Callable[[Iterable[Task], Event], Iterator[Done]]
"""Does tasks in any order and says what became of each; takes no further one from the iterator than it has room for,
and begins no further item once the event is set."""


@dataclass(frozen=True)
class Run:
    """only_missing: whether any row of an earlier run will do, whatever has changed since."""

    catalogue: Catalogue
    poses: Sequence[NamedPose]
    ledger: Ledger
    only_missing: bool = False

    @property
    def items(self) -> int:
        """Pictures asked for, at most."""
        return self.catalogue.products * len(self.poses)

    def render(self, engine: Engine, progress: Progress, stop: Event) -> bool:
        """Whether all is done; if not, the same run goes on where this one ended. Raises what the engine raises, and
        UnavailableError("internal") if it lost an item."""
        for done in engine(self._tasks(progress), stop):
            progress.add(done)
        missing = self.items - progress.done
        if missing and not stop.is_set():
            raise UnavailableError("internal", f"{missing} pictures are not accounted for.")
        return not missing

    def _tasks(self, progress: Progress) -> Iterator[Task]:
        """What is to be done, or at least to be looked at; the rest is counted at once."""
        for card in self.catalogue:
            if card.error is not None:
                progress.add(Done(card.product_id, (unusable_row(card).status,)), items=len(self.poses))
                continue
            rows = {pose.name: self.ledger.find(card.product_id, pose.name) for pose in self.poses}
            previous = {name: row for name, row in rows.items() if row is not None}
            poses = tuple(pose for pose in self.poses if not (self.only_missing and pose.name in previous))
            kept = [row.status for name, row in previous.items() if self.only_missing]
            if kept:
                progress.add(Done(card.product_id, tuple(kept), len(kept)))
            if poses:
                yield Task(card, poses, previous)

    def rows(self) -> Iterator[Row]:
        """Of this catalogue and these poses, in their order, as far as they are known."""
        for card in self.catalogue:
            if card.error is not None:
                yield unusable_row(card)
                continue
            found = (self.ledger.find(card.product_id, pose.name) for pose in self.poses)
            yield from (row for row in found if row is not None)

    def finish(self, form: TableFormat, outputs: Outputs) -> str:
        """Write the table; its name in the output folder. Raises UnavailableError."""
        self.ledger.refresh()
        return write_table(self.rows(), self.catalogue.columns, form, self.ledger.folder, outputs)
