"""The load generator sends when calls are due and counts right; with -m load, a short form of what it bears."""

from __future__ import annotations

import http.server
import itertools
import math
import sys
import threading
from collections.abc import Iterator

import pytest

from tests.benchmarks.load import Order, Shot, even, fire, measure, poisson, prepared, quantile, slope, summary
from tests.real_service import running
from tryon_service.errors import ZooError
from tryon_service.zoo.store import Store

CALLS = 10
RATE = 20.0


@pytest.fixture
def stand_in() -> Iterator[str]:
    """URL of a service that turns away every second call, and answers the others when it has seen all of them."""
    turns, all_sent = itertools.count(1), threading.Event()

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            turn = next(turns)
            if turn == CALLS:
                all_sent.set()
            turned_away = turn % 2 == 0
            met = turned_away or all_sent.wait(60.0)
            self.send_response(429 if turned_away else 200 if met else 504)
            if turned_away:
                self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_calls_are_sent_when_due_however_late_the_answers_are(stand_in: str) -> None:
    shots = fire(Order(stand_in, {}, b"body"), even(RATE, CALLS / RATE))
    assert [shot.due for shot in shots] == pytest.approx([index / RATE for index in range(CALLS)])
    assert sorted(shot.status for shot in shots) == [200] * 5 + [429] * 5, "all were sent before any was answered"
    last = shots[-1].due
    assert all(shot.due + shot.seconds > last - 0.01 for shot in shots if shot.status == 200)
    assert {shot.retry_after for shot in shots if shot.status == 429} == {1.0}


def test_a_service_that_is_not_there() -> None:
    row = summary(fire(Order("http://127.0.0.1:9", {}, b""), [0.0, 0.01]))
    assert row["by_status"] == {"0": 2}
    assert "picture_ms" not in row


def test_moments() -> None:
    assert list(even(4.0, 1.0)) == [0.0, 0.25, 0.5, 0.75]
    moments = list(poisson(50.0, 200.0))
    gaps = [later - earlier for earlier, later in itertools.pairwise(moments)]
    mean = sum(gaps) / len(gaps)
    assert mean == pytest.approx(1 / 50.0, rel=0.05)
    assert math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) == pytest.approx(mean, rel=0.05)
    assert moments == list(poisson(50.0, 200.0))


def test_figures() -> None:
    assert [quantile(range(1, 101), share) for share in (0.5, 0.95, 1.0)] == [50, 95, 100]
    assert quantile([7.0], 0.5) == 7.0
    assert slope([(0.0, 999.0), (60.0, 100.0), (90.0, 101.5), (120.0, 103.0)], since=60.0) == pytest.approx(3.0)
    assert summary([Shot(0.0, 0.1, 200), Shot(0.0, 0.3, 200)])["picture_ms"]["p50"] == 100.0


def test_pictures_are_told_from_what_is_turned_away() -> None:
    row = summary([Shot(0.0, 0.4, 200), Shot(0.1, 0.01, 429, 1.0), Shot(0.2, 0.03, 429, 2.0), Shot(0.3, 0.6, 200)])
    assert row["by_status"] == {"200": 2, "429": 2}
    assert (row["picture_ms"]["p50"], row["picture_ms"]["p100"]) == (400.0, 600.0)
    assert (row["turned_away_ms"]["p50"], row["turned_away_ms"]["p100"]) == (10.0, 30.0)
    assert row["shed_rate"] == 0.5
    assert row["retry_after_s"] == [1.0, 2.0]


@pytest.mark.load
def test_what_the_service_bears(capsys: pytest.CaptureFixture[str]) -> None:
    """The limits are wider than the goals in the README, which hold on a machine that does nothing else."""
    try:
        Store().manifest  # noqa: B018
    except ZooError as error:
        pytest.skip(f"no networks: {error}")
    with running() as service:
        row = measure(service, prepared(service), seconds=12.0, overload_seconds=20.0)
    with capsys.disabled():
        sys.stdout.write(f"\n{row}\n")
    for step in ("even", "poisson"):
        assert set(row[step]["by_status"]) == {"200"}, step
    assert set(row["overload"]["by_status"]) <= {"200", "429"}
    assert row["overload"]["turned_away_ms"]["p50"] < 50.0
    assert min(row["overload"]["retry_after_s"]) > 0
    assert row["even_p95_by_alone"] < 4.0
    assert row["poisson_p95_by_alone"] < 7.0
    assert row["recovery_s"] < 5.0
