"""Faults, each injected into a service under load, and what became of the load and of what the shop was promised.

Every fault says beforehand what callers may be told and when all must be well again; anything else is a problem.
"""

from __future__ import annotations

import itertools
import math
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any

import pytest

from tests.real_service import Service, eventually
from tests.reliability.calls import COMPUTED
from tests.reliability.job import job
from tests.reliability.mix import Call, Mix
from tests.reliability.people import People
from tests.reliability.shop import WRONG, Shop
from tests.reliability.stage import capacity, loaded

MIX = {"photo": 35.0, "posed": 25.0, "listed": 18.0, "change": 14.0, "look": 8.0}
"""Shares of the calls under a fault; all go through the gateway."""
PICTURES = 3
"""That have to be seen before, and again after."""
PATIENCE = 90.0
"""Seconds for a service to be well again."""
WRITTEN = 7.0
"""Seconds within which use is written down; the service does so every five."""


@dataclass(frozen=True)
class Pace:
    """Seconds of load before the fault, without any failure after it, and for measuring the capacity; batch: whether a
    batch run is under way, too; leisure: what allowed times are multiplied by, for a machine that has other work."""

    before: float = 5.0
    after: float = 8.0
    measuring: float = 20.0
    batch: bool = True
    leisure: float = 1.0


@dataclass
class Scene:
    """A service and the shop that calls it. unwritten: calls that earlier faults kept from being written down; tool: a
    stage's own."""

    service: Service
    shop: Shop
    unwritten: int = 0
    tool: Any = None


Stage = Callable[[People], AbstractContextManager[Scene]]


@dataclass(frozen=True)
class Fault:
    """inject: does it, returns when it is over, with a note for the table or an empty text. codes: what callers may be
    told; within: seconds after its end by which failures are over, negative for before; loses_use: whether the last
    seconds' use may be lost; load: share of the capacity, 0 for the usual; short: whether the short form has it."""

    name: str
    stage: Stage
    inject: Callable[[Scene], str]
    codes: frozenset[str]
    within: float
    loses_use: bool = False
    load: float = 0.0
    short: bool = False


@dataclass
class Outcome:
    """A row of the table; times are seconds since the fault began. failed: calls by what they got; slowest: of the
    pictures; batch_given: how often a batch run was given until it was done; lost: what is not as it was promised;
    problems: what should not have happened."""

    fault: str
    skipped: str = ""
    calls: int = 0
    failed: dict[str, int] = field(default_factory=dict)
    lasted_s: float = 0.0
    first_picture_s: float = 0.0
    errors_until_s: float = 0.0
    slowest_s: float = 0.0
    batch_given: int = 0
    lost: list[str] = field(default_factory=list)
    note: str = ""
    problems: list[str] = field(default_factory=list)


def run_all(
    faults: Sequence[Fault], people: People, load: float, tell: Callable[[str], None], pace: Pace = Pace()
) -> dict[str, Any]:
    """Every figure. load: share of the capacity. Faults of one stage follow each other on one service."""
    rate, rows = 0.0, list[Outcome]()
    for stage, group in itertools.groupby(faults, key=lambda fault: fault.stage):
        todo = list(group)
        try:
            with stage(people) as scene:
                rate = rate or capacity(scene.shop, MIX, pace.measuring)
                while todo:
                    rows.append(run(todo[0], scene, (todo[0].load or load) * rate, pace))
                    tell(str(rows[-1]))
                    todo.pop(0)
        except pytest.skip.Exception as why:
            rows += [Outcome(fault.name, skipped=f"not tried: {why}") for fault in todo]
        except AssertionError as error:  # the service is not to be trusted any more
            names = [fault.name for fault in todo] or [f"the end after: {rows[-1].fault}"]
            rows += [Outcome(name, skipped="not finished", problems=[str(error)]) for name in names]
            tell(str(rows[-1]))
    row = {"capacity_per_s": round(rate, 2), "load": load, "load_average": round(os.getloadavg()[0], 1)}
    return {**row, "faults": [asdict(one) for one in rows]}


def run(fault: Fault, scene: Scene, rate: float, pace: Pace) -> Outcome:
    """One fault. rate: calls a second. Raises AssertionError where it can't be injected as it should."""
    mix = Mix(scene.shop, MIX, seed=1)
    with loaded(mix, rate), job(scene.service, scene.shop.people) if pace.batch else nullcontext() as running:
        until = time.monotonic() + pace.before
        eventually("pictures", lambda: pictures(mix.calls, 0.0) >= PICTURES and time.monotonic() > until, PATIENCE)
        if running:
            eventually("pictures of the batch run", lambda: running.begun, PATIENCE)
        began = time.monotonic()
        note = fault.inject(scene)
        ended = time.monotonic()
        well = recovered(scene, mix, ended, pace.after)
        missing = running.missing() if running else 0
    outcome = judged(fault, mix.calls, began, ended, pace.leisure)
    outcome.note = note
    if not well:
        outcome.problems.append(f"not well again within {PATIENCE:.0f} s")
    outcome.batch_given = running.times if running else 0
    outcome.lost = scene.shop.lost() + ([f"{missing} rows of a batch run"] if missing else [])
    outcome.problems += [f"lost: {one}" for one in outcome.lost]
    unwritten = use_lost(scene)
    if unwritten:
        outcome.lost.append(f"use: {unwritten} calls not counted")
        if not fault.loses_use:
            outcome.problems.append("use was lost")
    return outcome


def recovered(scene: Scene, mix: Mix, since: float, calm: float) -> bool:
    """Wait for pictures, and for calm seconds without a failure, after this moment; whether both came."""

    def well() -> bool:
        failures = [call.at + call.seconds for call in list(mix.calls) if not call.good]
        quiet = time.monotonic() - max([since, *failures]) >= calm
        return quiet and pictures(mix.calls, since) >= PICTURES

    try:
        scene.service.wait_ready(PATIENCE)
        eventually("pictures and no failures", well, PATIENCE)
    except AssertionError:
        return False
    return True


def pictures(calls: Sequence[Call], since: float) -> int:
    """Right ones that were computed for calls made after this moment."""
    return sum(call.good and call.kind in COMPUTED and call.at >= since for call in list(calls))


def judged(fault: Fault, calls: Sequence[Call], began: float, ended: float, leisure: float = 1.0) -> Outcome:
    """What became of the calls of a load, against what the fault allows."""
    early = [call for call in calls if not call.good and call.at + call.seconds < began]
    after = [call for call in calls if call.at + call.seconds >= began]
    failed = [call for call in after if not call.good]
    made = [call for call in after if call.good and call.kind in COMPUTED and call.at >= began]
    outcome = Outcome(
        fault.name,
        calls=len(after),
        failed=dict(Counter(call.outcome for call in failed)),
        lasted_s=round(ended - began, 1),
        first_picture_s=round(min((call.at + call.seconds for call in made), default=math.inf) - began, 2),
        errors_until_s=round(max([0.0, *(call.at - began for call in failed)]), 2),
        slowest_s=round(max((call.seconds for call in made), default=0.0), 2),
    )
    if early:
        outcome.problems.append(f"{len(early)} calls failed before the fault: {early[0].outcome}")
    outcome.problems += [f"unexpected: {one}" for one in sorted({*outcome.failed} - fault.codes)]
    latest = ended - began + fault.within * (leisure if fault.within > 0 else 1.0)
    if outcome.errors_until_s > max(0.0, latest):
        outcome.problems.append(
            f"calls made {outcome.errors_until_s:.1f} s later still failed; allowed: {latest:.1f} s"
        )
    assert WRONG not in fault.codes
    return outcome


def use_lost(scene: Scene) -> int:
    """Answered calls that are not written down, those of earlier faults apart."""
    wanted = scene.shop.answered - scene.unwritten
    until = time.monotonic() + WRITTEN
    while (used := scene.shop.used()) < wanted and time.monotonic() < until:
        time.sleep(0.2)
    lost = max(0, wanted - used)
    scene.unwritten += lost
    return lost


def chosen(faults: Sequence[Fault], words: Sequence[str], *, short: bool = False) -> list[Fault]:
    """Those of the short form, or whose names have one of these words; all for no words."""
    wanted: Iterator[Fault] = (one for one in faults if not words or any(word in one.name for word in words))
    return [one for one in wanted if one.short or not short]
