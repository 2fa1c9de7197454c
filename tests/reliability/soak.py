"""A long run at part of the capacity, with some clients that misbehave, and what it did to the service."""

from __future__ import annotations

import os
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tests.benchmarks.load import quantile
from tests.real_service import eventually
from tests.reliability.calls import SHOP_MIX
from tests.reliability.misbehaving import DEEDS
from tests.reliability.mix import Call, Mix
from tests.reliability.people import People
from tests.reliability.stage import capacity, loaded, opened, served
from tests.reliability.watch import Look, look, slope, watching

CACHES = {"TRYON_CACHE_BYTES": str(64 << 20), "TRYON_CACHE_FOLDER_BYTES": str(256 << 20)}
"""Smaller than usual, so that they are full early and what grows after that isn't theirs."""
MOST_SLOPE = 1.0
"""MB a minute."""
MOST_THREADS = 0.5
"""A minute: pools grow to what was ever needed at once, and keep it."""
LONGEST_WARM_UP = 300.0
SETTLING = 150.0
"""Seconds for connections that idle or hang to be closed: longer than the gateway bears any of them."""
SLACK = 4
"""Descriptors and threads that an idle service may have more than before."""
TOLD_EVERY = 60.0


@dataclass(frozen=True)
class Plan:
    """seconds: of load; load: share of the capacity; misbehaving: share of the arrivals; measuring: seconds for finding
    out the capacity; ways: of misbehaving."""

    seconds: float
    load: float = 0.6
    misbehaving: float = 0.05
    measuring: float = 60.0
    ways: tuple[str, ...] = tuple(DEEDS)


def soak(people: People, plan: Plan, tell: Callable[[str], None]) -> dict[str, Any]:
    """Every figure, and under "met" which limits were kept."""
    with served(**CACHES) as service, opened(service, people) as shop:
        able = capacity(shop, SHOP_MIX, plan.measuring)
        tell(f"capacity: {able:.2f} calls a second; load average {os.getloadavg()[0]:.1f}")
        idle = settled(service)
        mix = Mix(shop, SHOP_MIX, plan.misbehaving, plan.ways)
        with watching(service) as looks, loaded(mix, plan.load * able):
            until = time.monotonic() + plan.seconds
            while (left := until - time.monotonic()) > 0:
                time.sleep(min(left, TOLD_EVERY))
                tell(_now(mix, looks))
        after = settled(service, idle)
        lost = shop.lost()
        eventually("all use is written down", lambda: shop.used() >= shop.answered)
    row = figures(mix, looks, plan)
    row |= {"capacity_per_s": round(able, 2), "load_average": round(os.getloadavg()[0], 1), "lost": lost}
    row["idle_before"], row["idle_after"] = _held(idle), _held(after)
    row["met"] = met(row, idle, after)
    return row


def settled(service: Any, like: Look | None = None) -> Look:
    """The service when nobody calls it: two looks alike or, given what it was like, as few descriptors as then; else
    how it is when the time for that is up."""
    until, before = time.monotonic() + SETTLING, like
    while time.monotonic() < until:
        now = look(service)
        if before is not None and now.descriptors <= before.descriptors + SLACK:
            return now
        before = like or now
        time.sleep(1.0)
    return look(service)


def figures(mix: Mix, looks: Sequence[Look], plan: Plan) -> dict[str, Any]:
    calls = mix.calls
    warm = [one for one in looks if one.at >= min(LONGEST_WARM_UP, plan.seconds / 4) and one.at <= plan.seconds]
    growth, error = slope([(one.at, one.mb) for one in warm])
    return {
        "minutes": round(plan.seconds / 60, 1),
        "load": plan.load,
        "calls": len(calls),
        "misbehaving": sum(mix.deeds.values()),
        "errors": dict(Counter(f"{call.kind}: {call.outcome}" for call in calls if not call.good)),
        "ms": {"all": times(calls), **{kind: times([c for c in calls if c.kind == kind]) for kind in SHOP_MIX}},
        "deeds": {deed: _outcomes(mix, deed) for deed in DEEDS},
        "wrong_deeds": [f"{deed}: {end}" for deed, end in mix.deeds if end not in DEEDS[deed].right],
        "memory_mb": round(statistics.median(one.mb for one in warm)) if warm else 0,
        "slope_mb_per_min": round(growth, 3),
        "slope_error": round(error, 3),
        "slope_mb_per_min_of": {
            role: round(slope([(one.at, one.mb_of.get(role, 0.0)) for one in warm])[0], 3)
            for role in sorted({role for one in warm for role in one.mb_of} - {""})
        },
        "descriptors": _range([one.descriptors for one in warm]),
        "threads": _range([one.threads for one in warm]),
        "descriptors_per_min": round(slope([(one.at, one.descriptors) for one in warm])[0], 2),
        "threads_per_min": round(slope([(one.at, one.threads) for one in warm])[0], 2),
        "data_mb": [round(one.file_mb, 1) for one in (warm[0], warm[-1])] if warm else [],
        "data_files": [one.files for one in (warm[0], warm[-1])] if warm else [],
    }


def met(row: dict[str, Any], idle: Look, after: Look) -> dict[str, bool]:
    """Memory is flat only if twice the standard error above the slope is still within the limit."""
    growth = row["slope_mb_per_min"] + 2 * row["slope_error"]
    return {
        "no error for a good client": not row["errors"] and row["calls"] > 0,
        "misbehaving clients were got rid of as they should": not row["wrong_deeds"],
        f"memory grows by less than {MOST_SLOPE:.0f} MB a minute": growth < MOST_SLOPE,
        "idle, it has the descriptors of before": after.descriptors <= idle.descriptors + SLACK,
        "threads don't gather": after.threads <= idle.threads + SLACK or row["threads_per_min"] < MOST_THREADS,
        "no temporary file is left": after.temporary <= idle.temporary,
        "nothing lost": not row["lost"],
    }


def times(calls: Sequence[Call]) -> dict[str, float]:
    """Milliseconds of good calls: half, 95 and 99 of 100 took no longer, and the longest."""
    ordered = sorted(1000.0 * call.seconds for call in calls if call.good)
    return {f"p{share}": round(quantile(ordered, share / 100), 1) for share in (50, 95, 99, 100)} if ordered else {}


def _held(one: Look) -> dict[str, Any]:
    counted = {"descriptors": one.descriptors, "threads": one.threads, "temporary": one.temporary}
    return {"mb": round(one.mb), "mb_of": {role: round(mb, 1) for role, mb in one.mb_of.items()}, **counted}


def _outcomes(mix: Mix, deed: str) -> dict[str, int]:
    return {end: number for (name, end), number in sorted(mix.deeds.items()) if name == deed}


def _range(values: Sequence[int]) -> list[int]:
    return [min(values), max(values)] if values else []


def _now(mix: Mix, looks: Sequence[Look]) -> str:
    wrong = sum(not call.good for call in list(mix.calls))
    last = looks[-1] if looks else Look(0.0, {}, 0, 0, 0, 0.0, 0)
    parts = ", ".join(f"{role or 'others'} {mb:.0f}" for role, mb in last.mb_of.items())
    return (
        f"{last.at:.0f} s: {len(mix.calls)} calls, {wrong} errors, {sum(mix.deeds.values())} misbehaving, "
        f"{last.mb:.0f} MB ({parts}), {last.descriptors} descriptors, {last.threads} threads, {last.files} files"
    )
