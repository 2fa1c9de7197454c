"""Raw bytes at real gunicorn: every route with broken lengths, chunks, heads and forms; it answers or hangs up, and
goes on working."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from served import Served, served, status_of
from test_worker import render_call

from tryon_service.gateway.openapi import CODES_OF

SHORT, LONG = 60, 4000
"""Calls sent."""
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "get", "G\0T", "")
PATHS = tuple(path.replace("{product_id}", "a") for path, _ in CODES_OF)
LENGTHS = ("-1", "0x10", "1e3", "99999999999999999999", "12, 12", "+5", " 5", "", "\t7")


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("socket")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SERVED_HEAD_SECONDS", "1")
        patch.setenv("SERVED_BODY_SECONDS", "2")
        with served(folder, rate_address="999999/minute", rate_key="999999/minute") as made:
            yield made


def resident(process: int) -> int:
    """Bytes of a process and its children."""
    pids = [process, *map(int, Path(f"/proc/{process}/task/{process}/children").read_text().split())]
    texts = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(1024 * int(found[1]) for text in texts if (found := re.search(r"VmRSS:\s+(\d+)", text)))


class Call:
    """A right call, to be damaged."""

    def __init__(self, key: str, chance: random.Random) -> None:
        self.chance = chance
        whole = render_call(key)
        head, _, self.body = whole.partition(b"\r\n\r\n")
        self.lines = head.split(b"\r\n")
        if chance.random() < 0.6:
            self.lines[0] = f"{chance.choice(METHODS)} {chance.choice(PATHS)} HTTP/1.1".encode()

    @property
    def sent(self) -> bytes:
        return b"\r\n".join(self.lines) + b"\r\n\r\n" + self.body

    def replace(self, name: bytes, value: str) -> None:
        self.lines = [line for line in self.lines if not line.startswith(name)]
        self.lines.insert(1, name + b": " + value.encode("latin-1"))


def bad_length(call: Call) -> bytes:
    call.replace(b"Content-Length", call.chance.choice((*LENGTHS, str(call.chance.randrange(2 * len(call.body))))))
    return call.sent


def long_head(call: Call) -> bytes:
    where = call.chance.randrange(3)
    size = call.chance.choice((4_000, 9_000, 70_000, 400_000))
    if where == 0:
        call.lines.insert(1, b"X-Long: " + b"x" * size)
    elif where == 1:
        call.lines[1:1] = [b"X-%d: y" % i for i in range(size // 100)]
    else:
        call.lines[0] = b"GET /" + b"a" * size + b"?" + b"b" * size + b" HTTP/1.1"
    return call.sent


def bad_bytes(call: Call) -> bytes:
    sent = bytearray(call.sent)
    for _ in range(call.chance.randrange(1, 9)):
        sent[call.chance.randrange(min(len(sent), 900))] = call.chance.randrange(256)
    return bytes(sent)


def broken_form(call: Call) -> bytes:
    body = bytearray(call.body)
    for _ in range(call.chance.randrange(1, 6)):
        at = call.chance.randrange(len(body))
        body[at : at + call.chance.randrange(40)] = call.chance.randbytes(call.chance.randrange(30))
    call.body = bytes(body)
    call.replace(b"Content-Length", str(len(body)))
    return call.sent


def broken_chunks(call: Call) -> bytes:
    call.lines = [line for line in call.lines if not line.startswith(b"Content-Length")]
    call.lines.append(b"Transfer-Encoding: chunked")
    chunks = b"".join(
        call.chance.choice((b"%x\r\n%s\r\n", b"%x;a=b\r\n%s\r\n", b"%x\n%s\n", b"-%x\r\n%s\r\n")) % (len(part), part)
        for part in (call.body[i : i + 200] for i in range(0, len(call.body), 200))
    )
    call.body = chunks + call.chance.choice((b"0\r\n\r\n", b"", b"0\r\nX: y\r\n\r\n", b"zz"))
    return call.sent


def cut_off(call: Call) -> bytes:
    return call.sent[: call.chance.randrange(len(call.sent))]


def two_at_once(call: Call) -> bytes:
    call.lines = [line for line in call.lines if not line.startswith(b"Connection")]
    return call.sent + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" * call.chance.randrange(1, 4)


DAMAGES: tuple[Callable[[Call], bytes], ...] = (
    bad_length, long_head, bad_bytes, broken_form, broken_chunks, cut_off, two_at_once,
)  # fmt: skip


def attack(gateway: Served, calls: int, seed: int) -> None:
    chance = random.Random(seed)
    before = 0
    for number in range(calls):
        if number == calls // 4:
            before = resident(gateway.process.pid)
        damage = chance.choice(DAMAGES)
        sent = damage(Call(gateway.key, chance))
        answer = gateway.raw(sent, half_close=True)
        status = status_of(answer)
        assert status == 0 or 200 <= status < 500 or status == 501, (damage.__name__, sent[:300], answer[:300])
        if status >= 400 and b"HEAD " not in sent[:5]:
            assert b"application/problem+json" in answer, (damage.__name__, answer[:300])
    assert gateway.get("/healthz")[0] == 200
    assert gateway.process.poll() is None
    assert "Booting worker" in gateway.log.read_text()
    assert gateway.log.read_text().count("Booting worker") == 1, "no worker died"
    assert "uncaught" not in gateway.log.read_text()
    assert resident(gateway.process.pid) - before < 100e6


def test_it_survives_a_little(gateway: Served) -> None:
    attack(gateway, SHORT, seed=1)


def test_a_whole_call_still_works_after_that(gateway: Served) -> None:
    answer = gateway.raw(render_call(gateway.key))
    assert status_of(answer) == 200


@pytest.mark.fuzz
def test_it_survives_a_lot(gateway: Served) -> None:
    attack(gateway, LONG, seed=int(time.time()))
