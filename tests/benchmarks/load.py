"""How much the service takes: an open-loop generator, which sends when a call is due and not when the last is answered.

    python -m tests.benchmarks.load [--seconds N] [--overload-seconds N] [--json FILE]

Starts a service of its own, as `tryon serve`, and asks for one cached product in the pose of one shopper photo, at
768 x 1024: alone, by as many as it can bear (its capacity), at 80 % of that evenly spaced, at 50 % at random moments
(Poisson), at ten times the capacity, and then alone again. Needs nothing else to run on the machine; the load average
beside the figures says whether that was so.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import math
import os
import random
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.benchmarks.pairs import pairs
from tests.real_service import Service, family, form, memory, put_product, running

SIZE = {"width": "768", "height": "1024"}
PRODUCT_ID = "load"
CALLERS = 4
"""That together keep the engine busy while its capacity is measured; more would only wait."""
EVEN_SHARE, POISSON_SHARE, OVERLOAD = 0.8, 0.5, 10.0
"""Of the capacity."""
SAMPLE = 0.5
"""Seconds between two looks at the memory."""
PATIENCE = 60.0
"""Seconds for any answer."""
BROKEN = 0
"""In place of a status, where a connection ended without an answer."""


@dataclass(frozen=True)
class Shot:
    """One call. due: seconds after the first; seconds: from when it was due until its answer was there; status: 0 for a
    broken connection; retry_after: seconds, -1 where the answer names none."""

    due: float
    seconds: float
    status: int
    retry_after: float = -1.0


@dataclass(frozen=True)
class Order:
    """A call that is made again and again, its body made once."""

    url: str
    headers: dict[str, str]
    body: bytes

    @classmethod
    def of(cls, service: Service, key: str, **parts: bytes | str | list[bytes]) -> Order:
        """To render these parts."""
        request = httpx.Request("POST", f"{service.url}/v1/renders", files=form(**parts))
        body = request.read()
        headers = {"Authorization": f"Bearer {key}", "Content-Type": request.headers["Content-Type"]}
        return cls(str(request.url), headers, body)

    async def send(self, client: httpx.AsyncClient) -> tuple[int, float]:
        """(status, Retry-After)."""
        try:
            answer = await client.post(self.url, headers=self.headers, content=self.body)
        except httpx.TransportError:
            return BROKEN, -1.0
        return answer.status_code, float(answer.headers.get("Retry-After", -1))


def even(rate: float, seconds: float) -> Iterator[float]:
    """Moments of calls, evenly spaced. rate: calls per second."""
    return (index / rate for index in range(math.ceil(rate * seconds)))


def poisson(rate: float, seconds: float, seed: int = 0) -> Iterator[float]:
    """Moments of calls that know nothing of each other. rate: calls per second on the mean."""
    dice, moment = random.Random(seed), 0.0
    while (moment := moment + dice.expovariate(rate)) < seconds:
        yield moment


def fire(order: Order, moments: Iterable[float]) -> list[Shot]:
    """Send a call at each moment, whatever became of those before; every answer is waited for."""
    return asyncio.run(_fire(order, moments))


async def _fire(order: Order, moments: Iterable[float]) -> list[Shot]:
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=64)
    async with httpx.AsyncClient(timeout=PATIENCE, limits=limits) as client:
        began = time.perf_counter()

        async def one(due: float) -> Shot:
            status, retry_after = await order.send(client)
            return Shot(due, time.perf_counter() - began - due, status, retry_after)

        tasks = []
        for due in moments:
            await asyncio.sleep(max(0.0, due - (time.perf_counter() - began)))
            tasks.append(asyncio.create_task(one(due)))
        return list(await asyncio.gather(*tasks))


def in_turns(order: Order, callers: int, seconds: float) -> tuple[list[Shot], float]:
    """Callers who each wait for their answer before they ask again; their calls, and the seconds that all took."""
    return asyncio.run(_in_turns(order, callers, seconds))


async def _in_turns(order: Order, callers: int, seconds: float) -> tuple[list[Shot], float]:
    shots: list[Shot] = []
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        began = time.perf_counter()

        async def caller() -> None:
            while (due := time.perf_counter() - began) < seconds:
                status, retry_after = await order.send(client)
                shots.append(Shot(due, time.perf_counter() - began - due, status, retry_after))

        await asyncio.gather(*(caller() for _ in range(callers)))
        return shots, time.perf_counter() - began


def summary(shots: Sequence[Shot]) -> dict[str, Any]:
    """Calls by status, and milliseconds (p50, p95, p99, worst) of pictures and of what was turned away."""
    counts = {str(status): sum(shot.status == status for shot in shots) for status in {shot.status for shot in shots}}
    row: dict[str, Any] = {"calls": len(shots), "by_status": dict(sorted(counts.items()))}
    for name, status in (("picture", 200), ("turned_away", 429)):
        times = sorted(1000.0 * shot.seconds for shot in shots if shot.status == status)
        if times:
            row[f"{name}_ms"] = {f"p{share}": round(quantile(times, share / 100), 1) for share in (50, 95, 99, 100)}
    row["shed_rate"] = round(counts.get("429", 0) / len(shots), 3)
    waits = {shot.retry_after for shot in shots if shot.status == 429}
    if waits:
        row["retry_after_s"] = sorted(waits)
    return row


def quantile(ordered: Sequence[float], share: float) -> float:
    """The smallest of the values that so large a share of them doesn't exceed."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def slope(samples: Sequence[tuple[float, float]], since: float) -> float:
    """MB per minute, by least squares, of (seconds, MB) from some second on."""
    later = [sample for sample in samples if sample[0] >= since]
    return 60.0 * statistics.linear_regression(*zip(*later, strict=True)).slope if len(later) > 2 else math.nan


class MemoryWatch:
    """The memory of all of a service's processes together, looked at now and then. samples: (seconds, MB)."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.samples: list[tuple[float, float]] = []

    def during(self, work: Callable[[], list[Shot]]) -> list[Shot]:
        stop, began = threading.Event(), time.perf_counter()

        def sample() -> None:
            while not stop.wait(SAMPLE):
                self.samples.append((time.perf_counter() - began, resident(self._service)))

        thread = threading.Thread(target=sample)
        thread.start()
        try:
            return work()
        finally:
            stop.set()
            thread.join()


def resident(service: Service) -> float:
    """MB of all processes together."""
    return sum(memory(pid) for process in service.processes for pid in family(process.pid))


def recovery(order: Order, usual: float, patience: float = 30.0) -> float:
    """Seconds until a call is answered with a picture in no more than twice the usual time."""
    began = time.perf_counter()
    while time.perf_counter() - began < patience:
        at = time.perf_counter() - began
        (shot,) = fire(order, [0.0])
        if shot.status == 200 and shot.seconds <= 2 * usual:
            return at
    return math.inf


def measure(service: Service, order: Order, seconds: float, overload_seconds: float) -> dict[str, Any]:
    """Every figure; seconds: for each step but the overload."""
    in_turns(order, 1, 2.0)  # warm
    gc.freeze()  # the generator's own pauses would count as the service's
    row: dict[str, Any] = {"load_average_before": os.getloadavg()[0], "cores": os.cpu_count()}
    alone, _ = in_turns(order, 1, seconds / 2)
    row["alone"] = _told("alone", summary(alone))
    usual = statistics.median(shot.seconds for shot in alone)
    busy, took = in_turns(order, CALLERS, seconds / 2)
    capacity = sum(shot.status == 200 for shot in busy) / took
    row["capacity_per_s"] = _told("capacity", round(capacity, 2))
    row["even"] = _told("even", summary(fire(order, even(EVEN_SHARE * capacity, seconds))))
    row["poisson"] = _told("poisson", summary(fire(order, poisson(POISSON_SHARE * capacity, seconds))))
    watch = MemoryWatch(service)
    shots = watch.during(lambda: fire(order, even(OVERLOAD * capacity, overload_seconds)))
    row["recovery_s"] = _told("recovery", round(recovery(order, usual), 2))
    row["overload"] = _told("overload", summary(shots))
    row["memory_mb"] = {"first": round(watch.samples[0][1]), "most": round(max(mb for _, mb in watch.samples))}
    row["memory_slope_mb_per_min"] = round(slope(watch.samples, min(60.0, overload_seconds / 2)), 2)
    row["even_p95_by_alone"] = round(row["even"]["picture_ms"]["p95"] / (1000 * usual), 2)
    row["poisson_p95_by_alone"] = round(row["poisson"]["picture_ms"]["p95"] / (1000 * usual), 2)
    row["load_average_after"] = os.getloadavg()[0]
    return row


def _told(step: str, outcome: Any) -> Any:
    """The outcome, after a line on the terminal: all steps together take minutes."""
    sys.stderr.write(f"{step}: {outcome}\n")
    return outcome


def prepared(service: Service) -> Order:
    """A service with the product in it, and a call for a picture of it."""
    key, pair = service.key("render,products"), pairs()[0]
    with service.http(key) as http:
        put_product(http, PRODUCT_ID, pair.product)
    return Order.of(service, key, shopper=pair.shopper, product_id=PRODUCT_ID, min_verdict="doubtful", **SIZE)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--seconds", type=float, default=60.0, help="for each step but the overload")
    parser.add_argument("--overload-seconds", type=float, default=300.0)
    parser.add_argument("--json", type=Path, help="file for the figures; default: print")
    args = parser.parse_args()
    with running() as service:
        row = measure(service, prepared(service), args.seconds, args.overload_seconds)
    text = json.dumps(row, indent=2)
    if args.json:
        args.json.write_text(text + "\n")
    else:
        sys.stdout.write(text + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
