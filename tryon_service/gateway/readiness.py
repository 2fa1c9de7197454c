"""Whether pictures can be had now, known cheaply: the engine is asked once in a while, by one call at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

ASK_AGAIN = 1.0
"""Seconds that a yes is good for."""
NOT_YET = 0.2
"""Seconds that a no is good for: whoever starts the service waits for it to end."""
TIMEOUT = 2.0
"""Seconds for the engine's word; a frozen one doesn't give it."""
STALE = ASK_AGAIN + 2 * TIMEOUT
"""Seconds after which a yes means nothing any more, whoever is still asking."""


class Readiness:
    """ask(timeout): the engine's word. Calls that come while one is asking get the last answer, if it isn't stale."""

    def __init__(self, ask: Callable[[float], bool], clock: Callable[[], float] = time.monotonic) -> None:
        self._ask, self._clock = ask, clock
        self._asking = threading.Lock()
        self._ready, self._asked = False, -float("inf")

    def ready(self) -> bool:
        age = self._clock() - self._asked
        if age < (ASK_AGAIN if self._ready else NOT_YET):
            return self._ready
        if not self._asking.acquire(blocking=False):
            return self._ready and age < STALE
        try:
            self._ready = self._ask(TIMEOUT)
            self._asked = self._clock()
            return self._ready
        finally:
            self._asking.release()
