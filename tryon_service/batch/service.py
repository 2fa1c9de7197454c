"""Calls of a running service: they wait while it is busy, end when it is gone, and know poses by their names here."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import TypeVar

from tryon_service.client import Client
from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.poses.house import PREFIX

TURNED_AWAY = ("overloaded", "rate_limited")
"""Codes of a service that has no time for us yet; the client has come back a few times by then."""
PATIENCE = 900.0
"""Seconds for which one call may be turned away, before the service is taken to have no time for us at all."""
GIVE_UP = 3
"""Calls in a row that the service was not able to answer, after which it is taken to be down."""

T = TypeVar("T")


class ServiceGoneError(UnavailableError):
    """The service, and not an item, is why there is no answer."""


class Service:
    """Calls that wait for a busy service, and poses by the name that they have here. Shared by threads."""

    def __init__(self, client: Client, sources: Mapping[str, str], stop: Event) -> None:
        """sources: names of house poses and paths of photos, by pose. Raises AccessError, ServiceGoneError, InputError
        for a pose that the service hasn't got, and RefusedError for a photo that it can't use."""
        self.client, self._sources, self._stop = client, sources, stop
        self._failures = 0
        self._gone: ServiceGoneError | None = None
        self._lock = threading.Lock()
        known = self.call(client.house_poses)
        self._poses = {name: self._found(source, known) for name, source in sources.items()}

    def call(self, call: Callable[[], T], *, light: bool = True) -> T:
        """What it returns. light: that it is answered doesn't say that pictures can be made.

        Raises TryonError; AccessError and ServiceGoneError say that no other call can do better.
        """
        deadline = time.monotonic() + PATIENCE
        while self._gone is None:
            try:
                value = call()
            except UnavailableError as error:
                if error.code in TURNED_AWAY and time.monotonic() < deadline and not self._stop.is_set():
                    continue
                self._failures += 1
                if error.code in TURNED_AWAY or self._failures >= GIVE_UP:
                    self._gone = ServiceGoneError(error.code, error.detail, "--server")
                    continue
                raise
            except TryonError:
                self._failures = self._failures if light else 0
                raise
            self._failures = self._failures if light else 0
            return value
        raise self._gone

    def in_pose(self, name: str, call: Callable[[str], T]) -> T:
        """What call returns, given the pose as the service knows it; a token that has expired is renewed."""
        token = self._poses[name]
        try:
            return self.call(lambda: call(token), light=False)
        except InputError as error:
            if error.code != "expired_pose":
                raise
        with self._lock:
            if self._poses[name] == token:  # else another thread has
                self._poses[name] = self._token(self._sources[name])
        return self.call(lambda: call(self._poses[name]), light=False)

    def _found(self, source: str, known: Sequence[str]) -> str:
        name = source.removeprefix(PREFIX)
        if name in known:
            return PREFIX + name
        if source.startswith(PREFIX) or not Path(source).is_file():
            detail = f"The service has no house pose {name!r}; it has {', '.join(known) or 'none'}."
            raise InputError("invalid_pose", detail, "--poses")
        if source.lower().endswith(".json"):
            detail = f"A service takes no pose files: give the photo that {source!r} was made of, or a house pose."
            raise InputError("invalid_pose", detail, "--poses")
        return self._token(source)

    def _token(self, source: str) -> str:
        return self.call(lambda: self.client.analyse_pose(Path(source))).token
