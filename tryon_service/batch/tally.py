"""What a report says of a run's rows, each of which is seen once: a million of them take no more room than some."""

from __future__ import annotations

import hashlib
import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from tryon_service.batch.rows import Row, Status

SAMPLE, SLOWEST, FAILED = 12, 20, 50
"""Most that are kept: rows for each reason; of the slowest; failures."""
_PLACES: Mapping[Status, int] = {"failed": 0, "refused": 0, "doubtful": 1, "rendered": 2}
"""What has no picture comes first."""


@dataclass(frozen=True)
class Entry:
    """A row and its place in the table, counted from 1."""

    number: int
    row: Row


@dataclass
class Failure:
    """A product's rows that failed for the same reason. poses: of them; number: the first one's place in the table."""

    number: int
    row: Row
    poses: list[str]

    def includes(self, row: Row) -> bool:
        mine = self.row
        same = (row.product_id, row.codes, row.detail) == (mine.product_id, mine.codes, mine.detail)
        return same and "" not in (row.product_id, row.pose)


@dataclass
class Group:
    """Rows of one status for one reason; code is empty for those without.

    count: of which it is the weightiest, of so many products; beside: of which it is a further one.
    """

    status: Status
    code: str
    count: int = 0
    products: int = 0
    beside: int = 0
    _last: str = ""
    _sample: list[tuple[float, int, Row]] = field(default_factory=list)

    def add(self, number: int, row: Row) -> None:
        """A product's rows come one after the other. Those whose hashes are lowest are the sample: a fair choice, and
        the same in every run; where there is no picture, one row of a product is enough."""
        another = not row.product_id or row.product_id != self._last
        self._last = row.product_id
        self.count += 1
        self.products += another
        if not (another or row.output):
            return
        name = f"{row.product_id}\0{row.pose}\0{number}".encode("utf-8", "replace")
        mark = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest())
        _keep(self._sample, (-mark, number, row), SAMPLE)

    @property
    def sample(self) -> list[Entry]:
        return [Entry(number, row) for _, number, row in sorted(self._sample, key=lambda one: one[1])]


class Tally:
    """rows: how many; statuses: of them; failures: the first, in their order; renderers, versions: what made them, with
    how many; weights: hex sha256 by network, several where rows of earlier runs had others."""

    def __init__(self) -> None:
        self.rows = 0
        self.seconds = 0.0
        self.statuses: Counter[Status] = Counter()
        self.renderers: Counter[str] = Counter()
        self.versions: Counter[str] = Counter()
        self.weights: dict[str, dict[str, None]] = {}
        self.failures: list[Failure] = []
        self._groups: dict[tuple[Status, str], Group] = {}
        self._slowest: list[tuple[float, int, Row]] = []

    def add(self, row: Row) -> None:
        self.rows += 1
        self.seconds += row.seconds
        self.statuses[row.status] += 1
        self.versions[row.version] += 1
        if row.renderer:
            self.renderers[row.renderer] += 1
        for name, sha256 in row.weights.items():
            self.weights.setdefault(name, {})[sha256] = None
        codes = row.codes if row.status != "rendered" else ()
        self._group(row.status, codes[0] if codes else "").add(self.rows, row)
        for code in codes[1:]:
            self._group(row.status, code).beside += 1
        if row.status == "failed":
            self._fail(row)
        if row.seconds:
            _keep(self._slowest, (row.seconds, -self.rows, row), SLOWEST)

    @property
    def groups(self) -> list[Group]:
        """What has no picture first, then by how many rows there are."""
        return sorted(self._groups.values(), key=lambda one: (_PLACES[one.status], -one.count, -one.beside))

    @property
    def slowest(self) -> list[Entry]:
        return [Entry(-number, row) for _, number, row in sorted(self._slowest, reverse=True)]

    def _fail(self, row: Row) -> None:
        if self.failures and self.failures[-1].includes(row):
            self.failures[-1].poses.append(row.pose)
        elif len(self.failures) < FAILED:
            self.failures.append(Failure(self.rows, row, [row.pose]))

    def _group(self, status: Status, code: str) -> Group:
        return self._groups.setdefault((status, code), Group(status, code))


def _keep(heap: list[tuple[float, int, Row]], entry: tuple[float, int, Row], most: int) -> None:
    """The largest, by the first two, of which no two are the same."""
    if len(heap) < most:
        heapq.heappush(heap, entry)
    else:
        heapq.heappushpop(heap, entry)
