"""Products for many machines: photos behind an fsspec URL (s3://bucket/prefix), their index in Redis.

An object's name is its content's sha256 and a random end, and a name is never used twice. The index says which object
holds which content, so a late removal, by however slow a machine, only ever hits an object that nothing tells of.

Redis is the only place where products are written down: it must survive a restart (appendonly) and never make room by
forgetting (maxmemory-policy noeviction).

Keys in Redis, all in one slot of a cluster:
    records:<store>  id -> record      ids:<store>  ids in their order
    objects          sha256 -> name    uses         sha256 -> products that have it
    pending          name -> when an upload under it began; after an hour it counts as abandoned
    doomed           names of objects to remove
    held             backups that copy objects -> until when; while there is one, nothing is removed
    version          of all these
"""

from __future__ import annotations

import contextlib
import logging
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tryon_service.errors import InputError, UnavailableError
from tryon_service.products import base
from tryon_service.products.base import Change, Page, Photos, Snapshot
from tryon_service.products.index_version import agree
from tryon_service.products.objects import Objects
from tryon_service.products.records import ProductRecord, check_product_id, check_store, sha256_of
from tryon_service.products.remote_scripts import BEGIN_UPLOAD, CHANGE, DOOMED
from tryon_service.products.remote_snapshot import held, read_all
from tryon_service.products.versions import NewerVersionError

logger = logging.getLogger(__name__)

T = TypeVar("T")

PREFIX = "{tryon-products}:"
"""What the name of every key begins with; the braces keep them together in a cluster."""
TIMEOUT_S = 5.0
"""For one answer of Redis."""
ATTEMPTS = 20
"""How often a change is tried while others change the same product or its photos."""
ABANDONED_S = 3600
"""Age at which an upload that no record tells of counts as abandoned."""

_RANDOM_BYTES = 12


class RemoteStore:
    """A ProductStore for many machines. clock: seconds since 1970 UTC.

    Raises InputError("invalid_option") for a URL that can't be used; a server that doesn't answer is no error yet.
    """

    def __init__(self, url: str, index_url: str, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._objects = Objects(url)
        try:
            # Without retries: a change that was made, and whose answer was lost, must not look like somebody else's.
            self._redis = redis.Redis.from_url(
                index_url,
                decode_responses=True,
                socket_timeout=TIMEOUT_S,
                socket_connect_timeout=TIMEOUT_S,
                retry=Retry(NoBackoff(), 0),
            )
        except ValueError:
            raise InputError("invalid_option", "It is not a redis:// or rediss:// URL.", "TRYON_INDEX_URL") from None
        self._change_script = self._redis.register_script(CHANGE)
        self._begin_upload_script = self._redis.register_script(BEGIN_UPLOAD)
        self._doomed_script = self._redis.register_script(DOOMED)
        self._agreed = False
        try:
            self._agree()
            self._remove_doomed()
        except NewerVersionError as error:
            raise InputError("invalid_option", str(error), "TRYON_INDEX_URL") from None
        except UnavailableError as error:
            logger.warning("the products' index can't be reached yet: %s", error)

    def put(self, store: str, record: ProductRecord, photos: Sequence[bytes]) -> Change:
        return self._put(store, record, photos, lambda before: base.dated(record, before, self._clock()))

    def adopt(self, store: str, record: ProductRecord, photos: Sequence[bytes], *, replace: bool = False) -> Change:
        return self._put(store, record, photos, lambda before: before if before and not replace else record)

    def _put(self, store: str, record: ProductRecord, photos: Sequence[bytes], decide: base.Decision) -> Change:
        check_store(store)
        base.check_photos(record, photos)
        files = {photo.sha256: content for photo, content in zip(record.photos, photos, strict=True)}
        uploaded: dict[str, str] = {}

        def attempt() -> Change | None:
            text, before = self._find(store, record.id)
            after = decide(before)
            if after.photos != record.photos:
                return Change(after)
            names = {sha256: self._stored(sha256, content, uploaded) for sha256, content in files.items()}
            unused = self._change(store, record.id, text, after, before, names)
            return None if unused is None else Change(after, before is None, unused)

        return self._until_unchanged(record.id, attempt)

    def get(self, store: str, product_id: str) -> ProductRecord:
        check_store(store)
        check_product_id(product_id)
        _, record = self._find(store, product_id)
        if record is None:
            raise base.unknown(product_id)
        return record

    def photos(self, record: ProductRecord) -> Photos:
        return [self.photo(record, index) for index in range(len(record.photos))]

    def photo(self, record: ProductRecord, index: int) -> bytes:
        return self._photo(record, record.photos[index].sha256)

    def list(self, store: str, page_size: int = 0, page_token: str = "") -> Page:
        check_store(store)
        size = base.checked_page_size(page_size)
        last = base.last_product_id(store, page_token)
        with self._working():
            beyond = f"({last}" if last else "-"
            ids: Any = self._redis.zrangebylex(PREFIX + f"ids:{store}", beyond, "+", start=0, num=size + 1)
            texts: Any = self._redis.hmget(PREFIX + f"records:{store}", ids) if ids else []
        # None is one that was deleted between the two answers.
        records = [base.read_record(text) for text in texts[:size] if text is not None]
        return records, base.next_page_token(store, ids, size)

    def delete(self, store: str, product_id: str) -> Change:
        check_store(store)
        check_product_id(product_id)

        def attempt() -> Change | None:
            text, before = self._find(store, product_id)
            if before is None:
                raise base.unknown(product_id)
            unused = self._change(store, product_id, text, None, before, {})
            return None if unused is None else Change(before, unused=unused)

        return self._until_unchanged(product_id, attempt)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        with contextlib.ExitStack() as hold:
            with self._working():
                hold.enter_context(held(self._redis, PREFIX + "held"))
                texts, names = read_all(self._redis, PREFIX)
            yield Snapshot(
                [(store, base.read_record(text)) for store, text in texts],
                lambda sha256: self._content(names.get(sha256), sha256),
            )
        self._remove_doomed()

    def close(self) -> None:
        self._redis.close()

    @contextlib.contextmanager
    def _working(self) -> Iterator[None]:
        """Sees to the index's version if need be, and turns every failure into one that the caller knows."""
        try:
            self._agree()
        except NewerVersionError as error:
            raise UnavailableError("storage_unavailable", str(error)) from error
        with _index():
            yield

    def _agree(self) -> None:
        if not self._agreed:
            with _index():
                agree(self._redis, PREFIX)
            self._agreed = True

    def _content(self, name: str | None, sha256: str) -> bytes | None:
        """None where it is missing or damaged."""
        content = None if name is None else self._objects.read(name)
        return content if content is not None and sha256_of(content) == sha256 else None

    def _find(self, store: str, product_id: str) -> tuple[str, ProductRecord | None]:
        with self._working():
            text: Any = self._redis.hget(PREFIX + f"records:{store}", product_id)
        return (text, base.read_record(text)) if text else ("", None)

    def _name(self, sha256: str) -> str | None:
        with self._working():
            name: Any = self._redis.hget(PREFIX + "objects", sha256)
        return None if name is None else str(name)

    def _stored(self, sha256: str, content: bytes, uploaded: dict[str, str]) -> str:
        """Name of an object with this content: one that the index knows and that is whole by its length, or a new one.

        uploaded: names of this call's own uploads, by sha256.
        """
        if sha256 in uploaded:
            return uploaded[sha256]
        known = self._name(sha256)
        if known is not None and self._objects.size(known) == len(content):
            return known
        name = f"{sha256}.{secrets.token_hex(_RANDOM_BYTES)}"
        with _index():
            self._begin_upload_script(keys=[PREFIX + "pending"], args=[name])
        self._objects.write(name, content)
        uploaded[sha256] = name
        return name

    def _change(
        self,
        store: str,
        product_id: str,
        text: str,
        after: ProductRecord | None,
        before: ProductRecord | None,
        names: dict[str, str],
    ) -> tuple[str, ...] | None:
        """One record in another's place; the sha256 that nothing uses any more, None where others were faster."""
        given_up = [] if before is None else sorted(before.photo_digests)
        taken = [word for pair in names.items() for word in pair]
        kinds = (f"records:{store}", f"ids:{store}", "objects", "uses", "pending", "doomed")
        to_json = "" if after is None else after.to_json()
        with _index():
            answer: Any = self._change_script(
                keys=[PREFIX + kind for kind in kinds],
                args=[product_id, text, to_json, len(given_up), *given_up, *taken],
            )
        return tuple(answer[1:]) if answer[0] == "done" else None

    def _until_unchanged(self, product_id: str, attempt: Callable[[], T | None]) -> T:
        for _ in range(ATTEMPTS):
            done = attempt()
            if done is not None:
                self._remove_doomed()
                return done
        raise base.changed_meanwhile(product_id)

    def _photo(self, record: ProductRecord, sha256: str) -> bytes:
        name = self._name(sha256)
        while name is not None:
            content = self._content(name, sha256)
            if content is not None:
                return content
            tried, name = name, self._name(sha256)
            if name == tried:
                raise base.damaged(sha256)
        raise base.changed_meanwhile(record.id)

    def _remove_doomed(self) -> None:
        """Remove the objects that nothing tells of. What can't be removed now is tried again after the next change."""
        keys = [PREFIX + "pending", PREFIX + "doomed", PREFIX + "held"]
        try:
            with _index():
                names: Iterable[str] = self._doomed_script(keys=keys, args=[ABANDONED_S])
            for name in names:
                self._objects.remove(name)
                with _index():
                    self._redis.srem(PREFIX + "doomed", name)
        except UnavailableError as error:
            logger.warning("photos that no product uses may still be there: %s", error)


@contextlib.contextmanager
def _index() -> Iterator[None]:
    """Turns every failure of Redis into one that the caller knows."""
    try:
        yield
    except redis.exceptions.OutOfMemoryError as error:
        raise UnavailableError("storage_full") from error
    except (redis.exceptions.RedisError, OSError) as error:
        logger.warning("the products' index fails: %s: %s", type(error).__name__, error)
        raise UnavailableError("storage_unavailable") from error
