"""A sender for tests.benchmarks.load that makes a call of a kind drawn by lot, and keeps a record of each."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import httpx

from tests.reliability.calls import CALLS
from tests.reliability.misbehaving import DEEDS, Guest
from tests.reliability.shop import CUT_OFF, OK, REFUSED_CONNECTION, SILENT, Shop


@dataclass(frozen=True)
class Call:
    """at: moment of time.monotonic() when it was sent; seconds: until its answer, or the lack of one, was clear."""

    kind: str
    at: float
    seconds: float
    outcome: str

    @property
    def good(self) -> bool:
        return self.outcome == OK


class Mix:
    """weights: shares of the kinds of calls; misbehaving: the share of arrivals, in [0, 1), that misbehave, in which
    ways.

    calls: of good clients, in the order in which they ended; deeds: what misbehaving ones did and what came of it.
    """

    def __init__(
        self,
        shop: Shop,
        weights: Mapping[str, float],
        misbehaving: float = 0.0,
        ways: Sequence[str] = tuple(DEEDS),
        seed: int = 0,
    ) -> None:
        self.shop = shop
        self.calls: list[Call] = []
        self.deeds: Counter[tuple[str, str]] = Counter()
        self._kinds, self._weights = list(weights), list(weights.values())
        self._misbehaving, self._ways, self._guest = misbehaving, ways, Guest(shop)
        self._dice = random.Random(seed)

    async def send(self, client: httpx.AsyncClient) -> tuple[int, float]:
        """As load.Order does: (200 or 0, no Retry-After). Never raises for what the service does."""
        if self._dice.random() < self._misbehaving:
            deed = self._dice.choice(self._ways)
            self.deeds[deed, await self._guest.do(deed)] += 1
            return 0, -1.0
        (kind,) = self._dice.choices(self._kinds, self._weights)
        at = time.monotonic()
        outcome = await self._outcome(kind, client)
        self.calls.append(Call(kind, at, time.monotonic() - at, outcome))
        return 200 if outcome == OK else 0, -1.0

    async def _outcome(self, kind: str, client: httpx.AsyncClient) -> str:
        try:
            return await CALLS[kind](self.shop, client, self._dice)
        except httpx.ConnectError:
            return REFUSED_CONNECTION
        except httpx.TimeoutException:
            return SILENT
        except httpx.TransportError:
            return CUT_OFF
