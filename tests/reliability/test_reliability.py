"""Short forms of the long run and of some faults, with -m soak; the long ones: python -m tests.reliability."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from tests.reliability import tables
from tests.reliability.catalogue import FAULTS
from tests.reliability.faults import Pace, chosen, run_all
from tests.reliability.misbehaving import DEEDS
from tests.reliability.people import People, drawn
from tests.reliability.soak import Plan, soak
from tryon_service.errors import ZooError
from tryon_service.zoo.store import Store

pytestmark = pytest.mark.soak
QUICK = tuple(deed for deed in DEEDS if deed != "more bytes announced than sent")
"""The other one is got rid of after a minute."""
QUICKLY = Pace(before=1.0, after=3.0, measuring=5.0, batch=False, leisure=4.0)
LONG = {"memory grows by less than 1 MB a minute", "threads don't gather"}
"""What only a long run can show."""


@pytest.fixture(scope="module")
def people() -> People:
    """Small ones; skips where there are no networks."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")
    return drawn((240, 320)).few()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def write(text: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{text}\n")

    return write


def test_good_clients_notice_nothing_of_misbehaving_ones(people: People, say: Callable[[str], None]) -> None:
    row = soak(people, Plan(seconds=25.0, misbehaving=0.3, measuring=6.0, ways=QUICK), lambda _: None)
    say(tables.soak_table(row))
    assert row["misbehaving"] > 0
    assert {name for name, kept in row["met"].items() if not kept} <= LONG, row


def test_faults_cost_what_they_may_and_no_more(people: People, say: Callable[[str], None]) -> None:
    row = run_all(chosen(FAULTS, [], short=True), people, 0.3, lambda _: None, QUICKLY)
    say(tables.fault_table(row))
    assert {one["fault"]: one["problems"] for one in row["faults"] if one["problems"]} == {}
