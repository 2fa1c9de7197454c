"""Log lines: JSON with fixed fields, scrubbed, from every door that a line can come through."""

from __future__ import annotations

import io
import json
import logging
import subprocess
import sys
import threading
import warnings

import pytest

from tryon_service.errors import InputError
from tryon_service.observability.logs import FIELDS, LONGEST_MESSAGE, PACKAGE, bind, log_call, note, set_up
from tryon_service.observability.scrub import HIDDEN

SECRET = "kJ8_2hQwZ-4xNv7Rt0LmYp3B"
log = logging.getLogger(f"{PACKAGE}.example")


@pytest.fixture
def stream() -> io.StringIO:
    """Logs of the test."""
    out = io.StringIO()
    set_up("info", out)
    return out


def lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_is_json_with_what_is_known_of_the_call(stream: io.StringIO) -> None:
    with bind(request_id="r-1", method="POST", route="/v1/products/{id}"):
        note(store="s1", key_id="k1")
        log.warning("odd: %s\nnext", "line")
        log_call(status=200, ms=12.345, code="blurred", verdict="doubtful")
    log.info("outside")
    odd, call, outside = lines(stream)
    known = {"request_id": "r-1", "method": "POST", "route": "/v1/products/{id}", "store": "s1", "key_id": "k1"}
    assert odd.items() >= ({"level": "warning", "logger": log.name, "message": "odd: line\nnext"} | known).items()
    assert call.items() >= ({"message": "call", "status": 200, "ms": 12.3, "code": "blurred"} | known).items()
    assert set(outside) == {"time", "level", "logger", "message"}
    assert str(odd["time"]).endswith("Z")
    assert len(str(odd["time"])) == 24


def test_fields_nobody_named_are_not_written(stream: io.StringIO) -> None:
    log.info("x", extra={"photo": "bytes", "body": "b", "status": 200, "url": "/?sig=1"})
    assert set(lines(stream)[0]) == {"time", "level", "logger", "message", "status"}
    assert "photo" not in FIELDS


def test_blocks_nest_and_threads_are_apart(stream: io.StringIO) -> None:
    with bind(request_id="outer", store="s1"):
        with bind(request_id="inner"):
            log.info("a")
        other = threading.Thread(target=lambda: log.info("b"))
        other.start()
        other.join()
        log.info("c")
    note(store="nowhere")
    assert [(line.get("request_id"), line.get("store")) for line in lines(stream)] == [
        ("inner", "s1"),
        (None, None),
        ("outer", "s1"),
    ]


def test_messages_arguments_and_exceptions_are_scrubbed(stream: io.StringIO) -> None:
    log.info("token %s for /v1/x?sig=%s", SECRET, SECRET)
    log.info("dict %s", {"pose": SECRET, "photo": b"\xff\xd8" * 50})
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise InputError("invalid_pose", f"{SECRET} is no token", "pose") from error
    except InputError:
        log.exception("failed with %s", SECRET, stack_info=True)
    with bind(request_id=f"tryon_ab12_{SECRET}", route=f"/v1/x?sig={SECRET}"):
        log.info("fields")
    assert SECRET not in stream.getvalue()
    assert "xff" not in stream.getvalue()
    failed, fields = lines(stream)[-2:]
    assert failed["error"] == "InputError"
    assert "test_messages_arguments_and_exceptions_are_scrubbed" in str(failed["trace"])
    assert (fields["request_id"], fields["route"]) == (HIDDEN, "/v1/x")


def test_a_line_that_cannot_be_put_together_is_written_without_its_arguments(stream: io.StringIO) -> None:
    class Broken:
        def __str__(self) -> str:
            raise RuntimeError(SECRET)

    set_up("info", stream)  # alone: the test runner's own handlers would fail here
    log.info("%s and %d", Broken(), 1)
    log.info("one %s", "too", "many")  # noqa: PLE1205 - the mistake is the point
    assert [line["message"] for line in lines(stream)] == ["%s and %d", "one %s"]


def test_a_stream_that_fails_loses_the_line_and_shows_nothing(
    stream: io.StringIO, capfd: pytest.CaptureFixture[str]
) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    set_up("info", Full())
    log.error("token %s", SECRET)
    assert capfd.readouterr() == ("", "")


def test_messages_have_an_end(stream: io.StringIO) -> None:
    log.info("word " * 100_000)
    assert len(str(lines(stream)[0]["message"])) <= LONGEST_MESSAGE


def test_levels_ours_as_asked_and_other_libraries_only_when_something_is_wrong(stream: io.StringIO) -> None:
    set_up("debug", stream)
    set_up("debug", stream)
    log.debug("ours")
    logging.getLogger("httpx").info("HTTP Request: GET /?sig=1")
    logging.getLogger("httpcore.http11").debug("send_request_headers")
    logging.getLogger("urllib3").warning("theirs")
    assert [line["message"] for line in lines(stream)] == ["ours", "theirs"]
    set_up("error", stream)
    log.warning("not now")
    assert len(lines(stream)) == 2


def test_warnings_and_uncaught_exceptions_come_the_same_way(stream: io.StringIO) -> None:
    def fail() -> None:
        raise ValueError(SECRET)

    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(f"beware of {SECRET}", stacklevel=1)
    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except ValueError:
        sys.excepthook(*sys.exc_info())  # type: ignore[arg-type]
    assert SECRET not in stream.getvalue()
    assert [line.get("error") for line in lines(stream)] == [None, "ValueError", "ValueError"]


def test_a_dying_process_says_why_in_json_and_nothing_else() -> None:
    code = (
        "from tryon_service.observability.logs import set_up\n"
        f"set_up()\nraise RuntimeError({SECRET[::-1]!r}[::-1])"  # backwards: the trace may show this line
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["error"] == "RuntimeError"
    assert SECRET not in line


def test_logging_is_only_touched_when_asked() -> None:
    code = (
        "import logging, sys; before = sys.excepthook\n"
        "import tryon_service.observability.logs\n"
        "print(logging.getLogger().handlers, sys.excepthook is before)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[] True\n"
