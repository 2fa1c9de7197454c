"""The course of a call, told step by step without a network: what is sent again, when, and when it is given up."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from tryon_service.client import calls
from tryon_service.client.calls import Call
from tryon_service.client.exchange import Outcome, Pause, Retries, Send, exchange, retry_after
from tryon_service.errors import CODES, AccessError, TryonError, UnavailableError
from tryon_service.gateway.problems import MEDIA_TYPE, document, headers_of

REQUEST = httpx.Request("GET", "http://service/")
SAFE = {
    "render": calls.render(pose="name:standing", product_id="a"),
    "get": calls.get_product("a"),
    "put": calls.put_product("a", [b"x"], rights_reference="r"),
    "delete": calls.delete_product("a"),
    "list": calls.product_page(),
    "overlay": calls.overlay("a", 0, "pose"),
}
UNSAFE = {
    "pose": calls.analyse_pose(b"x"),
    "urls": calls.render_urls("name:standing", ["a"]),
    "token": calls.widget_token("https://shop.example", None),
}
EVERY = {**SAFE, **UNSAFE}


def problem(code: str, **headers: str) -> httpx.Response:
    body = json.dumps(document(code, request_id="r1"))
    return httpx.Response(
        CODES[code].http, text=body, headers={**headers_of(code), "Content-Type": MEDIA_TYPE, **headers}
    )


DEFAULT = Retries()
GONE = httpx.Response(204)
RESET = httpx.ReadError("reset", request=REQUEST)


@dataclass
class Told:
    """A call that is told what comes of each attempt. sent: timeouts; pauses: seconds."""

    outcomes: list[Outcome]
    takes: float = 0.0
    now: float = 1000.0
    sent: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)

    def run(self, call: Call[object], retries: Retries = DEFAULT, timeout: float = 60.0) -> object:
        def build(_: Call[object], limit: httpx.Timeout) -> httpx.Request:
            assert limit.read is not None
            self.sent.append(limit.read)
            return REQUEST

        course = exchange(call, build, retries, timeout, lambda: self.now)
        step, queue = next(course), list(self.outcomes)
        try:
            while True:
                if isinstance(step, Send):
                    self.now += min(self.takes, self.sent[-1])
                    step = course.send(queue.pop(0))
                else:
                    assert isinstance(step, Pause)
                    self.pauses.append(step.seconds)
                    self.now += step.seconds
                    step = course.send(None)
        except StopIteration as end:
            return end.value


def failure(told: Told, call: Call[object], **options: object) -> TryonError:
    with pytest.raises(TryonError) as caught:
        told.run(call, **options)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize("name", SAFE)
@pytest.mark.parametrize(
    "outcome",
    [
        RESET,
        httpx.WriteError("broken pipe", request=REQUEST),
        httpx.RemoteProtocolError("disconnected", request=REQUEST),
        problem("engine_unavailable"),
        problem("storage_unavailable"),
    ],
    ids=["read", "write", "disconnected", "engine", "storage"],
)
def test_safe_calls_are_made_again(name: str, outcome: Outcome) -> None:
    error = failure(told := Told([outcome, problem("unknown_product")]), SAFE["get"])
    assert (error.code, len(told.sent)) == ("unknown_product", 2)
    last = Told([outcome] * 5)
    assert isinstance(failure(last, SAFE[name]), UnavailableError)
    assert (len(last.sent), len(last.pauses)) == (5, 4)


@pytest.mark.parametrize("name", UNSAFE)
@pytest.mark.parametrize("outcome", [RESET, problem("engine_unavailable")], ids=["read", "engine"])
def test_others_are_not_once_they_may_have_been_done(name: str, outcome: Outcome) -> None:
    told = Told([outcome])
    assert failure(told, UNSAFE[name]).code == "engine_unavailable"
    assert len(told.sent) == 1


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "outcome",
    [
        httpx.ConnectError("refused", request=REQUEST),
        httpx.ConnectTimeout("slow", request=REQUEST),
        problem("overloaded"),
        problem("rate_limited"),
    ],
    ids=["refused", "slow", "overloaded", "limited"],
)
def test_every_call_is_that_was_turned_away_unread(name: str, outcome: Outcome) -> None:
    told = Told([outcome, problem("unauthorized")])
    assert isinstance(failure(told, EVERY[name], timeout=100.0), AccessError)
    assert len(told.sent) == 2


@pytest.mark.parametrize(
    "code", ["unauthorized", "invalid_option", "no_person", "internal", "deadline_exceeded", "network_missing"]
)
def test_what_will_not_get_better_is_said_at_once(code: str) -> None:
    told = Told([problem(code)])
    assert failure(told, SAFE["render"]).code == code
    assert len(told.sent) == 1


def test_the_service_is_left_alone_as_long_as_it_asks() -> None:
    told = Told([problem("overloaded", **{"Retry-After": "7"})] * 2 + [GONE])
    told.run(SAFE["delete"])
    assert len(told.pauses) == 2
    assert all(7.0 < pause < 8.0 for pause in told.pauses)


def test_pauses_grow_and_differ() -> None:
    told = Told([RESET] * 9)
    failure(told, SAFE["get"], retries=Retries(tries=9, first_pause=0.5, longest_pause=4.0))
    longest = [min(4.0, 0.5 * 2**n) for n in range(8)]
    assert all(most / 2 <= pause <= most for pause, most in zip(told.pauses, longest, strict=True))
    assert len(set(told.pauses)) == 8


def test_the_deadline_holds_for_all_attempts_together() -> None:
    told = Told([RESET] * 5, takes=4.0)
    assert failure(told, SAFE["get"], timeout=10.0).code == "engine_unavailable"
    assert told.now - 1000.0 <= 10.0
    assert told.sent[0] == 10.0
    assert 5.0 < told.sent[1] < 6.0
    assert 0.0 < told.sent[2] < 2.0
    assert len(told.sent) == 3


def test_no_pause_is_longer_than_the_time_left() -> None:
    told = Told([problem("overloaded", **{"Retry-After": "30"})])
    error = failure(told, SAFE["get"], timeout=10.0)
    assert (error.code, error.retryable, told.pauses) == ("overloaded", True, [])


def test_a_delete_whose_answer_was_lost_has_been_done() -> None:
    assert Told([RESET, problem("unknown_product")]).run(SAFE["delete"]) is None
    assert failure(Told([problem("unknown_product")]), SAFE["delete"]).code == "unknown_product"
    turned_away = Told([problem("overloaded"), problem("unknown_product")])
    assert failure(turned_away, SAFE["delete"]).code == "unknown_product", "the first attempt was never read"


def test_retry_after_may_be_a_date_or_nonsense() -> None:
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    assert 85.0 < retry_after(httpx.Response(503, headers={"Retry-After": later})) <= 90.0
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=90), usegmt=True)
    for text in (past, "soon", "-3", "1e9", "²"):
        header = httpx.Headers([(b"Retry-After", text.encode())])
        assert retry_after(httpx.Response(503, headers=header)) == 0.0
    assert retry_after(RESET) == 0.0
