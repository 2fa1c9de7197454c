"""What is made of a load's calls: figures, verdicts on them, and the tables in the handbook."""

from __future__ import annotations

import math
import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE

import pytest

from tests.reliability import tables
from tests.reliability.catalogue import ENGINE_GONE, FAULTS
from tests.reliability.faults import Fault, Scene, chosen, judged, run_all
from tests.reliability.mix import Call
from tests.reliability.people import People
from tests.reliability.soak import met, times
from tests.reliability.watch import Look, allocated, slope

NOBODY = People([], [], [])


@contextmanager
def nowhere(_: People) -> Iterator[Scene]:
    pytest.skip("there is no such machine")
    yield  # pragma: no cover


def fault(codes: frozenset[str] = ENGINE_GONE, within: float = 1.0) -> Fault:
    return Fault("a fault", nowhere, lambda _: "", codes, within)


def calls(*failures: tuple[float, str]) -> list[Call]:
    """A picture every half second for 30 s, each taking 0.3 s, and these (moment, outcome)."""
    good = [Call("photo", at / 2, 0.3, "ok") for at in range(60)]
    return [*good, *(Call("photo", at, 0.1, outcome) for at, outcome in failures)]


def test_a_fault_that_was_borne_as_allowed() -> None:
    outcome = judged(fault(), calls((10.2, "engine_unavailable"), (12.4, "engine_unavailable")), 10.0, 12.0)
    assert outcome.problems == []
    assert outcome.failed == {"engine_unavailable": 2}
    assert (outcome.errors_until_s, outcome.first_picture_s) == (2.4, 0.3)
    assert (outcome.lasted_s, outcome.slowest_s) == (2.0, 0.3)
    assert outcome.calls == 42, "what was answered before the fault doesn't count"


def test_pictures_of_calls_made_before_the_fault_are_no_recovery() -> None:
    asked = [Call("photo", 1.0, 30.0, "ok"), Call("photo", 12.0, 3.0, "ok"), Call("look", 10.1, 0.1, "ok")]
    assert judged(fault(), asked, 10.0, 10.0).first_picture_s == 5.0
    assert judged(fault(), [], 10.0, 10.0).first_picture_s == math.inf


@pytest.mark.parametrize(
    ("failures", "said"),
    [
        ([(11.0, "internal")], "unexpected: internal"),
        ([(11.0, "wrong answer")], "unexpected: wrong answer"),
        ([(13.5, "engine_unavailable")], "calls made 3.5 s later still failed; allowed: 3.0 s"),
        ([(5.0, "engine_unavailable")], "1 calls failed before the fault: engine_unavailable"),
    ],
)
def test_what_should_not_happen(failures: list[tuple[float, str]], said: str) -> None:
    assert judged(fault(), calls(*failures), 10.0, 12.0).problems == [said]


def test_a_busy_machine_is_given_more_time() -> None:
    late = calls((13.5, "engine_unavailable"))
    assert judged(fault(), late, 10.0, 12.0, leisure=2.0).problems == []
    assert judged(fault(within=-1.0), late, 10.0, 12.0, leisure=9.0).problems != [], "but not for what is in between"


@contextmanager
def broken(_: People) -> Iterator[Scene]:
    raise AssertionError("it doesn't start")
    yield


def test_a_service_that_breaks_costs_its_own_faults_only() -> None:
    row = run_all([replace(fault(), stage=broken), fault()], NOBODY, 0.3, lambda _: None)
    assert [one["problems"] for one in row["faults"]] == [["it doesn't start"], []]
    assert "it doesn't start" in tables.fault_table(row)


def test_a_stage_that_this_machine_has_not_got_is_named() -> None:
    row = run_all([fault(), fault()], NOBODY, 0.3, lambda _: None)
    assert [one["skipped"] for one in row["faults"]] == ["not tried: there is no such machine"] * 2
    assert "not tried: there is no such machine" in tables.fault_table(row)


def test_faults_are_chosen_by_words() -> None:
    assert [one.name for one in chosen(FAULTS, ["worker f", "engine frozen"])] == [
        "worker frozen for 20 s",
        "engine frozen for 20 s",
    ]
    assert chosen(FAULTS, []) == list(FAULTS)
    assert 0 < len(chosen(FAULTS, [], short=True)) < len(FAULTS)
    assert len({one.name for one in FAULTS}) == len(FAULTS)


def test_the_slope_and_how_well_it_is_known() -> None:
    dice = random.Random(0)
    samples = [(float(at), 500.0 + 2.0 * at / 60 + abs(dice.gauss(0.0, 5.0))) for at in range(1800)]
    growth, error = slope(samples)
    assert growth == pytest.approx(2.0, abs=3 * error)
    assert 0.0 < error < 0.1
    exact, none = slope([(float(at), 3.0 * at) for at in range(100)])
    assert (exact, none) == (pytest.approx(180.0), pytest.approx(0.0, abs=1e-9))
    assert slope([(0.0, 1.0), (1.0, 2.0)])[1] == math.inf, "too little to say anything"
    assert slope([])[1] == math.inf


MAPS_AND_ALLOCATES = """
import mmap, sys
with open(sys.argv[1], "r+b") as file, mmap.mmap(file.fileno(), 0) as pages:
    {pages[at] for at in range(0, len(pages), 4096)}
    print(flush=True), input()
    block = bytes(range(256)) * 400_000
    print(flush=True), input()
"""


def test_memory_is_what_was_allocated_and_not_pages_of_files(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(bytes(64 << 20))
    command = [sys.executable, "-c", MAPS_AND_ALLOCATES, str(tmp_path / "file")]
    with subprocess.Popen(command, stdin=PIPE, stdout=PIPE, text=True, bufsize=1) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = allocated(process.pid)
        assert before < 40
        process.stdin.write("\n")
        process.stdout.readline()
        assert 90 < allocated(process.pid) - before < 110
        process.stdin.write("\n")


def idle(**changes: int) -> Look:
    return Look(**{"at": 0.0, "mb_of": {"worker": 500.0}, "descriptors": 60, "threads": 30, "files": 9, "file_mb": 1.0,
                   "temporary": 0, **changes})  # type: ignore[arg-type]  # fmt: skip


def measured(**changes: object) -> dict[str, object]:
    return {
        "errors": {}, "calls": 100, "wrong_deeds": [], "lost": [], "slope_mb_per_min": 0.5, "slope_error": 0.1,
        "threads_per_min": 0.6, **changes,
    }  # fmt: skip


def test_a_soak_that_held() -> None:
    assert all(met(measured(), idle(), idle(descriptors=64)).values())


@pytest.mark.parametrize(
    ("row", "after"),
    [
        (measured(errors={"photo: overloaded": 1}), idle()),
        (measured(calls=0), idle()),
        (measured(wrong_deeds=["no image: 500"]), idle()),
        (measured(slope_mb_per_min=0.9, slope_error=0.1), idle()),
        (measured(slope_mb_per_min=math.nan, slope_error=math.inf), idle()),
        (measured(lost=["product a"]), idle()),
        (measured(), idle(descriptors=65)),
        (measured(), idle(threads=35)),
        (measured(), idle(temporary=1)),
    ],
)
def test_a_soak_that_did_not_hold_fails_in_one_point(row: dict[str, object], after: Look) -> None:
    assert list(met(row, idle(), after).values()).count(False) == 1


def test_times_are_of_good_calls() -> None:
    some = [Call("photo", 0.0, number / 1000, "ok") for number in range(1, 101)]
    assert times([*some, Call("photo", 0.0, 99.0, "overloaded")]) == {"p50": 50, "p95": 95, "p99": 99, "p100": 100}
    assert times([]) == {}


def test_a_table_is_replaced_whole_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("before\n<!-- soak -->\nold\nolder\n<!-- /soak -->\nafter\n")
    tables.write(file, "soak", "| new |")
    assert file.read_text() == "before\n<!-- soak -->\n| new |\n<!-- /soak -->\nafter\n"
    with pytest.raises(ValueError, match="faults"):
        tables.write(file, "faults", "")
    assert [path.name for path in tmp_path.iterdir()] == ["README.md"]


def test_the_row_of_a_fault() -> None:
    outcome = judged(fault(), calls((10.2, "engine_unavailable")), 10.0, 12.0)
    row = {"faults": [{**vars(outcome), "note": "it was replaced"}]}
    assert tables.fault_table(row).splitlines()[2] == (
        "| a fault | 1 of 41 calls failed: 1 engine_unavailable; slowest picture 0.3 s; it was replaced "
        "| 0.3 s | 0.2 s | nothing |"
    )
