"""What callers learn of an engine that isn't there or answers oddly; test_server has one that is well."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent import futures
from pathlib import Path

import grpc
import pytest

from tryon_service.engine_client import EngineClient
from tryon_service.errors import CODES, AccessError, InputError, RefusedError, TryonError, UnavailableError, ZooError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import ERROR_KEY, NOT_BEGUN_KEY, error_of, from_detail, to_detail
from tryon_service.pb.limits import channel_options
from tryon_service.pb.tryon_pb2_grpc import TryOnServicer, add_TryOnServicer_to_server
from tryon_service.settings import Settings
from tryon_service.types import Reason


class OddEngine(TryOnServicer):
    """Answers GetProduct as its id says, and tells what it was sent."""

    def __init__(self) -> None:
        self.metadata: dict[str, str | bytes] = {}
        self.stopping_until = 0.0
        self.asked, self.answers = threading.Event(), threading.Event()
        """What is slow sets the one and waits for the other."""

    def GetProduct(self, request: pb.GetProductRequest, context: grpc.ServicerContext) -> pb.GetProductResponse:  # noqa: N802
        self.metadata = {one.key: one.value for one in context.invocation_metadata()}
        if request.product_id == "slow":
            self.asked.set()
            self.answers.wait(60.0)
        elif request.product_id == "garbled":
            context.set_trailing_metadata(((ERROR_KEY, b"\xff\xff"),))
            context.abort(grpc.StatusCode.INTERNAL, "")
        elif self.stopping_until > time.monotonic():
            context.set_trailing_metadata(((NOT_BEGUN_KEY, "1"),))
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        elif request.product_id == "bare":
            context.abort(grpc.StatusCode.UNIMPLEMENTED, "")
        return pb.GetProductResponse(product=pb.Product(id="x" * (5 << 20 if request.product_id == "large" else 1)))


@pytest.fixture
def odd(settings: Settings) -> Iterator[OddEngine]:
    settings.runtime.mkdir()
    server = grpc.server(futures.ThreadPoolExecutor(4), options=channel_options())
    servicer = OddEngine()
    add_TryOnServicer_to_server(servicer, server)
    server.add_insecure_port(settings.engine_address)
    server.start()
    yield servicer
    servicer.answers.set()
    server.stop(0).wait()


def get(client: EngineClient, product_id: str, timeout: float = 60.0, **more: str) -> pb.GetProductResponse:
    return client.get_product(pb.GetProductRequest(product_id=product_id), store="shop", timeout=timeout, **more)


def test_store_trace_and_large_answers_travel(odd: OddEngine, settings: Settings) -> None:
    client = EngineClient.of(settings)
    assert len(get(client, "large", trace="00-a-b-01").product.id) == 5 << 20
    assert odd.metadata["tryon-store"] == "shop"
    assert odd.metadata["traceparent"] == "00-a-b-01"
    client.close()


@pytest.mark.parametrize(
    ("what", "code"), [("slow", "deadline_exceeded"), ("garbled", "internal"), ("bare", "internal")]
)
def test_odd_answers_become_our_errors(odd: OddEngine, settings: Settings, what: str, code: str) -> None:
    client = EngineClient.of(settings)
    with pytest.raises(TryonError) as caught:
        get(client, what, timeout=0.3 if what == "slow" else 60.0)
    assert caught.value.code == code
    client.close()


def test_a_call_that_is_cut_off_may_be_made_again(odd: OddEngine, settings: Settings) -> None:
    client = EngineClient.of(settings)
    cutting = threading.Thread(target=lambda: (odd.asked.wait(60.0), client.close()))
    cutting.start()
    with pytest.raises(UnavailableError) as caught:
        get(client, "slow")
    assert (caught.value.code, caught.value.retryable) == ("engine_unavailable", True)
    cutting.join()


def test_an_answer_beyond_the_limit_is_told_so(odd: OddEngine, settings: Settings) -> None:
    client = EngineClient(settings.engine_address, max_message=1 << 20)
    with pytest.raises(InputError) as caught:
        get(client, "large")
    assert caught.value.code == "too_many_bytes"
    client.close()


def test_nobody_there(settings: Settings) -> None:
    client = EngineClient(settings.engine_address, patience=0.3)
    began = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        get(client, "p")
    assert (caught.value.code, caught.value.retryable) == ("engine_unavailable", True)
    assert time.monotonic() - began < 20.0
    assert not client.healthy(0.5)
    client.close()


def test_somebody_who_never_answers(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = EngineClient(f"127.0.0.1:{silent.getsockname()[1]}", patience=0.0)
        began = time.monotonic()
        assert not client.healthy(0.3)
        with pytest.raises(UnavailableError):
            get(client, "p", timeout=0.3)
        assert time.monotonic() - began < 20.0
        client.close()


def test_an_engine_that_comes_late_is_waited_for(settings: Settings) -> None:
    client = EngineClient(settings.engine_address, patience=60.0)
    settings.runtime.mkdir()
    server = grpc.server(futures.ThreadPoolExecutor(1))
    add_TryOnServicer_to_server(OddEngine(), server)

    def come() -> None:
        server.add_insecure_port(settings.engine_address)
        server.start()

    threading.Timer(0.5, come).start()
    assert get(client, "p", timeout=60.0).product.id == "x"
    client.close()
    server.stop(0).wait()


def test_an_engine_that_is_stopping_is_waited_for_as_long_as_the_caller_waits(
    odd: OddEngine, settings: Settings
) -> None:
    client = EngineClient(settings.engine_address, patience=0.2)
    odd.stopping_until = time.monotonic() + 1.0
    assert get(client, "p").product.id == "x"
    odd.stopping_until = time.monotonic() + 60.0
    began = time.monotonic()
    with pytest.raises(UnavailableError) as caught:
        get(client, "p", timeout=0.8)
    assert caught.value.retryable
    assert 0.6 <= time.monotonic() - began < 20.0
    client.close()


def test_each_process_opens_a_channel_of_its_own(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    client = EngineClient.of(settings)
    mine = client._channel()
    assert client._channel() is not mine or client._channel()[0] is mine[0]
    assert client._channel()[0] is mine[0]
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert client._channel()[0] is not mine[0], "after a fork"
    mine[0].close()
    client.close()


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    client = EngineClient("localhost:1", ca=str(tmp_path / "none.pem"))
    with pytest.raises(InputError, match=r"none\.pem"):
        get(client, "p")
    assert not client.healthy(0.1)


@pytest.mark.parametrize("code", CODES)
def test_every_code_comes_back_as_itself(code: str) -> None:
    error = from_detail(to_detail(TryonError(code, "detail", "field")).SerializeToString())
    assert (error.code, error.detail, error.field, error.retryable) == (code, "detail", "field", CODES[code].retryable)


def test_errors_come_back_in_their_class() -> None:
    kinds = {
        "unknown_product": InputError,
        "invalid_signature": AccessError,
        "overloaded": UnavailableError,
        "network_missing": ZooError,
    }
    for code, kind in kinds.items():
        assert type(error_of(code)) is kind
    reasons = (Reason("blurred", "shopper", "person", 0.5, 0.0), Reason("no_person"))
    error = from_detail(to_detail(RefusedError(reasons)).SerializeToString())
    assert isinstance(error, RefusedError)
    assert error.reasons == reasons
