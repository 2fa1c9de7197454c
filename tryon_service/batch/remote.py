"""The job through a running service: products are put there, pictures asked for, at batch priority unless told
otherwise, so that no shopper waits. Rows, journal and files are as with any other engine.

What networks a service has isn't known before it renders, so that the content key counts none: after the service has
been updated, rows are made anew only if asked for (--again). A refusal doesn't name them either, nor scores.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from queue import SimpleQueue
from threading import Event

from tryon_service.batch.catalogue import Card, CardPhoto
from tryon_service.batch.job import DECIMALS, STATUS, Item, Shot, blank_row, described, unmade
from tryon_service.batch.keys import Recipe
from tryon_service.batch.ledger import Ledger
from tryon_service.batch.rows import Row
from tryon_service.batch.service import Service, ServiceGoneError
from tryon_service.batch.worker import POLL, CardWorker, Done, Plan, Priority, Task
from tryon_service.client import Client, Picture, Product
from tryon_service.errors import CODES, AccessError, InputError, RefusedError, TryonError
from tryon_service.products.records import ProductRecord, photo_record
from tryon_service.report import describe
from tryon_service.types import NetworkId, Reason

_PHOTO = re.compile(r"(?:photos|product)\[(\d+)\]|product")
"""What a service calls a card's photo in a card that it was sent, and in a picture; there without a number if alone."""


class ServiceMaker:
    """One thread's. kept: the photos that the service has of the card at hand."""

    def __init__(self, service: Service, recipe: Recipe, priority: Priority) -> None:
        self._service, self._recipe, self._priority = service, recipe, priority
        self._kept: tuple[CardPhoto, ...] = ()

    def networks(self) -> Sequence[NetworkId]:
        return ()

    def analyse(self, card: Card, shots: Sequence[Shot]) -> tuple[Shot, ...]:
        """Raises AccessError and ServiceGoneError."""
        errors: dict[str, TryonError] = {}
        sent = [shot for shot in shots if shot.error is None]
        while sent:
            try:
                product = self._brought(card, sent)
            except (AccessError, ServiceGoneError):
                raise
            except TryonError as error:
                blamed = _blamed(error, len(sent)) or dict.fromkeys(range(len(sent)), error)
                errors |= {sent[index].photo.file: one for index, one in blamed.items()}
                sent = [shot for index, shot in enumerate(sent) if index not in blamed]
                continue
            found = zip(sent, product.photos, strict=True)
            errors |= {shot.photo.file: RefusedError(kept.reasons) for shot, kept in found if not kept.usable}
            break
        self._kept = tuple(shot.photo for shot in sent)
        return tuple(replace(one, data=b"", error=one.error or errors.get(one.photo.file)) for one in shots)

    def _brought(self, card: Card, shots: Sequence[Shot]) -> Product:
        """The card as the service has it, sent if it hasn't."""
        client = self._service.client
        records = tuple(photo_record(shot.data, shot.view) for shot in shots)
        wanted = ProductRecord(card.product_id, records, card.rights_reference)
        try:
            known = self._service.call(lambda: client.get_product(card.product_id))
        except InputError as error:
            if error.code != "unknown_product":
                raise
        else:
            if (known.digest, known.rights_reference) == (wanted.digest, wanted.rights_reference):
                return known
        return self._service.call(
            lambda: client.put_product(
                card.product_id,
                [shot.data for shot in shots],
                rights_reference=card.rights_reference,
                views=[shot.view or "unknown" for shot in shots] if any(shot.view for shot in shots) else None,
            )
        )

    def render(self, item: Item, shots: Sequence[Shot]) -> tuple[Row, bytes | None]:
        """Raises AccessError and ServiceGoneError."""
        row = blank_row(item, shots, self._recipe, self.networks())
        if all(shot.error for shot in shots):
            return unmade(row, [shot.error for shot in shots if shot.error]), None
        try:
            picture = self._service.in_pose(item.pose.name, lambda pose: self._asked(item, pose))
        except (AccessError, ServiceGoneError):
            raise
        except RefusedError as error:
            blamed = next((index for reason in error.reasons for index in _place(reason.photo, len(self._kept))), None)
            row = self._explained(unmade(row, [error]), error.reasons, blamed)
            return described(row, item.card, shots), None
        except TryonError as error:
            return unmade(row, [error]), None
        return described(self._judged(row, item, picture), item.card, shots), picture.data

    def _asked(self, item: Item, pose: str) -> Picture:
        recipe = self._recipe
        width, height = recipe.size or (None, None)
        return self._service.client.render(
            pose=pose,
            product_id=item.card.product_id,
            background=recipe.background,
            width=width,
            height=height,
            format=recipe.format,
            renderer=recipe.renderer,
            min_verdict=recipe.min_verdict,
            priority=self._priority,
        )

    def _judged(self, row: Row, item: Item, picture: Picture) -> Row:
        report, verdict = picture.report, picture.verdict
        seen = report.choice.view if report.choice else ""
        return replace(
            self._explained(row, verdict.reasons, report.product_used, seen),
            status=STATUS[verdict.status],
            scores={name: round(float(score), DECIMALS) for name, score in sorted(verdict.scores.items())},
            renderer=report.renderer,
            weights={network.name: network.sha256 for network in report.networks},
            output=item.output(self._recipe),
            output_sha256=hashlib.sha256(picture.data).hexdigest(),
            width=picture.width,
            height=picture.height,
        )

    def _explained(self, row: Row, reasons: Sequence[Reason], used: int | None, seen: str = "") -> Row:
        """used: which of the service's photos of the card; seen: its side, if the catalogue doesn't say."""
        photo = None if used is None else next(iter(self._kept[used:]), None)
        return replace(
            row,
            codes=tuple(dict.fromkeys(reason.code for reason in reasons)),
            detail=f"{CODES[reasons[0].code].text} {describe(reasons[0])}".strip() if reasons else "",
            photo_used=photo.file if photo else "",
            view=(photo.view or seen) if photo else "",
        )


class ServicePool:
    """Raises AccessError, UnavailableError and what Service does: what is wrong with the run and not with an item."""

    def __init__(self, plan: Plan, ledger: Ledger, *, client: Client, sources: Mapping[str, str], workers: int) -> None:
        """workers: products that are asked for at a time."""
        self._plan, self._ledger, self._client = plan, ledger, client
        self._sources, self._workers = sources, workers

    def render(self, tasks: Iterable[Task], stop: Event) -> Iterator[Done]:
        """What became of the tasks, as they are done. stop: when it is set, no further item is begun."""
        service, idle = Service(self._client, self._sources, stop), SimpleQueue[CardWorker]()
        for number in range(self._workers):
            name = f"server-{number + 1}"
            maker = ServiceMaker(service, self._plan.recipe, self._plan.priority)
            idle.put(CardWorker(self._plan, self._ledger.segment_path(name), name, maker))

        def work(task: Task) -> Done:
            worker = idle.get()
            try:
                return worker.work(task, _Watch(stop))
            finally:
                idle.put(worker)

        with ThreadPoolExecutor(self._workers) as threads:
            try:
                yield from self._results(lambda task: threads.submit(work, task), iter(tasks), stop)
            except BaseException:
                stop.set()  # the other threads go no further than their item
                raise
            finally:
                threads.shutdown(wait=False, cancel_futures=True)

    def _results(self, submit: Callable[[Task], Future[Done]], coming: Iterator[Task], stop: Event) -> Iterator[Done]:
        """Never more tasks on their way than there are threads for, and as many again."""
        out: set[Future[Done]] = set()
        while True:
            while len(out) < 2 * self._workers and not stop.is_set() and (task := next(coming, None)):
                out.add(submit(task))
            if not out:
                return
            done, out = wait(out, POLL, FIRST_COMPLETED)
            for one in done:
                try:
                    yield one.result()
                except ServiceGoneError:
                    if not stop.is_set():  # else it is because nobody waits for it any more
                        raise


class _Watch:
    def __init__(self, stop: Event) -> None:
        self._stop = stop

    def begun(self, blanks: Mapping[str, Row]) -> None: ...

    def item(self) -> None: ...

    def stop(self) -> bool:
        return self._stop.is_set()


def _blamed(error: TryonError, photos: int) -> dict[int, TryonError]:
    """Which of so many photos that were sent is wrong, and how; none if it isn't a photo."""
    if isinstance(error, RefusedError):
        by_photo: dict[int, list[Reason]] = {}
        for reason in error.reasons:
            for index in _place(reason.photo, photos):
                by_photo.setdefault(index, []).append(reason)
        return {index: RefusedError(reasons) for index, reasons in by_photo.items()}
    return dict.fromkeys(_place(error.field, photos), error)


def _place(field: str, photos: int) -> list[int]:
    found = _PHOTO.fullmatch(field)
    return [index] if found and (index := int(found[1] or 0)) < photos else []
