"""The engine behind gRPC, with a fake worker that does what it is told."""

from __future__ import annotations

import shutil
import socket
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import grpc
import pytest
from fake_desks import MAY_START, PICTURE, let_go, lines, open_fake, open_later, open_never
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from prometheus_client import CollectorRegistry

from tryon_service.engine.server import SERVICE, Engine
from tryon_service.engine.worker import Opening
from tryon_service.engine_client import EngineClient
from tryon_service.errors import InputError, RefusedError, TryonError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.settings import Settings

Eventually = Callable[..., None]
Start = Callable[..., Engine]

STORE = "shop"


@pytest.fixture
def start() -> Iterator[Start]:
    """Engines with a fake worker, ready unless told otherwise, stopped in the end."""
    engines = []

    def start(settings: Settings, opening: Opening = open_fake, *, ready: bool = True) -> Engine:
        engine = Engine(settings, opening)
        engines.append(engine)
        engine.start()
        assert not ready or engine.supervisor.wait_ready(60.0)
        return engine

    yield start
    for engine in engines:
        engine.stop()


@pytest.fixture
def client(settings: Settings) -> Iterator[EngineClient]:
    made = EngineClient.of(settings)
    yield made
    made.close()


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    """One for the tests that don't disturb it."""
    folder = Path(tempfile.mkdtemp(prefix="tryon-"))
    with Engine(Settings(data=folder, log_level="error"), open_fake) as started:
        assert started.supervisor.wait_ready(60.0)
        yield started
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def shared(engine: Engine) -> Iterator[EngineClient]:
    made = EngineClient(engine.address)
    yield made
    made.close()


@pytest.fixture
def png(product_png: bytes) -> bytes:
    return product_png


def wish(what: str, png: bytes, **fields: object) -> pb.RenderRequest:
    """A render in which the fake worker does what this house pose says."""
    photos = pb.ProductPhotos(photos=[pb.ProductPhoto(image=png)])
    return pb.RenderRequest(pose=f"name:{what}", photos=photos, **fields)


def render(client: EngineClient, what: str, png: bytes, timeout: float = 60.0, **fields: object) -> pb.RenderResponse:
    return client.render(wish(what, png, **fields), store=STORE, timeout=timeout)


def failure(client: EngineClient, what: str, png: bytes, timeout: float = 60.0) -> TryonError:
    with pytest.raises(TryonError) as caught:
        render(client, what, png, timeout)
    return caught.value


def sample(registry: CollectorRegistry, name: str, **labels: str) -> float:
    return registry.get_sample_value(name, labels) or 0.0


def test_a_render_there_and_back(engine: Engine, shared: EngineClient, png: bytes) -> None:
    answer = render(shared, "standing", png)
    assert (answer.image, answer.content_type, answer.width, answer.height) == (PICTURE, "image/jpeg", 3, 4)
    assert answer.report.verdict == pb.VERDICT_STATUS_ACCEPTED
    registry = engine.metrics.registry
    assert sample(registry, "tryon_engine_calls_total", rpc="Render", code="ok") == 1
    assert sample(registry, "tryon_engine_verdicts_total", verdict="accepted") == 1


def test_refusals_carry_every_reason(shared: EngineClient, png: bytes) -> None:
    error = failure(shared, "person", png)
    assert isinstance(error, RefusedError)
    assert [(one.code, one.value) for one in error.reasons] == [("no_person", None), ("blurred", 0.9)]
    assert isinstance(failure(shared, "refuse", png), RefusedError)
    assert failure(shared, "fail", png).code == "internal"


def test_a_full_queue_answers_at_once(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    engine = start(replace(settings, queue_items=4))
    with ThreadPoolExecutor(4) as pool:
        held = [pool.submit(render, client, "hold", png)]
        eventually(lambda: "hold_" in lines(settings.data / "poses" / "log"))
        held += [pool.submit(render, client, "hold", png) for _ in range(3)]
        eventually(lambda: sample(engine.metrics.registry, "tryon_queue_items", priority="shopper") == 3)
        took = []
        for _ in range(10):
            began = time.monotonic()
            error = failure(client, "standing", png)
            took.append(time.monotonic() - began)
            assert (error.code, error.retryable) == ("overloaded", True)
        assert sorted(took)[5] < 1.0, "the tests' machine may be slow; what it takes is in the load benchmark"
        let_go(settings)
        assert [one.result(60.0).image for one in held] == [PICTURE] * 4


def test_late_and_cancelled_calls_are_never_computed(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    engine = start(settings)
    registry = engine.metrics.registry
    with ThreadPoolExecutor(4) as pool:
        held = pool.submit(render, client, "hold", png)
        eventually(lambda: "hold_" in lines(settings.data / "poses" / "log"))
        late = pool.submit(failure, client, "late", png, 2.0)
        with grpc.insecure_channel(settings.engine_address, [("grpc.default_authority", "localhost")]) as channel:
            method = channel.unary_unary(f"/{SERVICE}/Render", pb.RenderRequest.SerializeToString)
            call = method.future(wish("cancelled", png), metadata=(("tryon-store", STORE),))
            eventually(lambda: sample(registry, "tryon_queue_items", priority="shopper") == 2)
            call.cancel()
        assert late.result(60.0).code == "deadline_exceeded"
        let_go(settings)
        assert held.result(60.0).image == PICTURE
    render(client, "after", png)
    assert lines(settings.data / "poses" / "log") == ["hold_", "after_"]
    assert sample(registry, "tryon_queue_dropped_total", why="cancelled") == 1
    assert sample(registry, "tryon_queue_dropped_total", why="late") == 1


def test_health_says_what_is_true(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    assert not client.healthy(1.0)
    may_start = settings.data / "poses" / MAY_START
    may_start.parent.mkdir(parents=True)
    may_start.touch()
    start(replace(settings, item_timeout=2.0), open_later, ready=False)
    eventually(lambda: client.healthy(1.0))
    may_start.unlink()
    assert failure(client, "hang", png).code == "engine_unavailable"
    assert not client.healthy(1.0)
    may_start.touch()
    eventually(lambda: client.healthy(1.0))
    with grpc.insecure_channel(settings.engine_address, [("grpc.default_authority", "localhost")]) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING


def test_an_engine_whose_worker_never_starts_says_so(settings: Settings, client: EngineClient, png: bytes) -> None:
    engine = Engine(settings, open_never)
    engine.start()
    try:
        error = failure(client, "standing", png)
        assert error.code == "engine_unavailable"
        assert not client.healthy(1.0)
    finally:
        engine.stop()


def test_draining_finishes_what_was_begun_and_takes_nothing_new(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    engine = start(settings)
    quick = EngineClient(settings.engine_address, patience=0.0)
    with ThreadPoolExecutor(4) as pool:
        begun = [pool.submit(render, client, "hold", png)]
        eventually(lambda: "hold_" in lines(settings.data / "poses" / "log"))
        begun.append(pool.submit(render, client, "standing", png))
        eventually(lambda: sample(engine.metrics.registry, "tryon_queue_items", priority="shopper") == 1)
        drained = pool.submit(engine.drain)
        eventually(lambda: not client.healthy(1.0))
        assert failure(quick, "standing", png).code == "engine_unavailable"
        let_go(settings)
        assert [one.result(60.0).image for one in begun] == [PICTURE] * 2
        assert drained.result(60.0)
    quick.close()


def test_draining_takes_no_longer_than_it_may(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    engine = start(settings)
    with ThreadPoolExecutor(1) as pool:
        hanging = pool.submit(failure, client, "hang", png)
        eventually(lambda: "hang_" in lines(settings.data / "poses" / "log"))
        began = time.monotonic()
        assert not engine.drain(0.2)
        engine.stop()
        assert time.monotonic() - began < 15.0
        assert hanging.result(60.0).code == "engine_unavailable"


def test_a_caller_does_not_notice_one_engine_following_another(
    start: Start, settings: Settings, client: EngineClient, png: bytes, eventually: Eventually
) -> None:
    old = start(settings)
    new = Engine(settings, open_fake)
    with ThreadPoolExecutor(3) as pool:
        started = pool.submit(new.start, 60.0)
        assert new.supervisor.wait_ready(60.0)
        begun = pool.submit(render, client, "hold", png)
        eventually(lambda: "hold_" in lines(settings.data / "poses" / "log"))
        draining = threading.Thread(target=lambda: (old.drain(), old.stop()))
        draining.start()
        eventually(lambda: not client.healthy(1.0))
        following = pool.submit(render, client, "standing", png)
        let_go(settings)
        assert following.result(60.0).image == PICTURE
        assert begun.result(60.0).image == PICTURE
        started.result(60.0)
        draining.join()
    new.stop()


def test_reflection_lists_the_service(engine: Engine) -> None:
    with grpc.insecure_channel(engine.address, [("grpc.default_authority", "localhost")]) as channel:
        database = ProtoReflectionDescriptorDatabase(channel)
        assert {SERVICE, "grpc.health.v1.Health"} <= set(database.get_services())
        file = database.FindFileContainingSymbol(SERVICE)
        assert "PutProduct" in [method.name for method in file.service[0].method]


def test_a_socket_that_a_dead_engine_left_is_replaced(
    start: Start, settings: Settings, client: EngineClient, png: bytes
) -> None:
    path = Path(settings.engine_address.removeprefix("unix:"))
    path.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    start(settings)
    assert render(client, "standing", png).image == PICTURE
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_of_somebody_else_is_not_replaced(settings: Settings) -> None:
    path = Path(settings.engine_address.removeprefix("unix:"))
    path.parent.mkdir(mode=0o700)
    path.write_text("not ours")
    engine = Engine(settings, open_fake)
    with pytest.raises(InputError, match="can't listen"):
        engine.start()
    engine.stop()
    assert path.read_text() == "not ours"


def test_a_second_engine_at_the_same_socket_is_told_so(engine: Engine, shared: EngineClient, png: bytes) -> None:
    second = Engine(engine._settings, open_fake)
    with pytest.raises(InputError, match="Another engine already listens") as caught:
        second.start()
    second.stop()
    assert (caught.value.code, caught.value.field) == ("invalid_option", "TRYON_ENGINE")
    assert render(shared, "standing", png).image == PICTURE, "the first is not disturbed"


def test_calls_without_a_store_are_told_so(engine: Engine) -> None:
    with grpc.insecure_channel(engine.address, [("grpc.default_authority", "localhost")]) as channel:
        method = channel.unary_unary(f"/{SERVICE}/GetProduct", pb.GetProductRequest.SerializeToString)
        with pytest.raises(grpc.RpcError) as caught:
            method(pb.GetProductRequest(product_id="p"))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    trailing = {one.key: one.value for one in caught.value.trailing_metadata()}
    detail = pb.ErrorDetail.FromString(trailing["tryon-error-bin"])
    assert (detail.code, detail.field) == ("missing_field", "tryon-store")


def test_metrics_are_served_on_a_port_of_their_own(start: Start, settings: Settings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    start(replace(settings, engine_metrics_port=port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"tryon_engine_ready 1.0" in answer.read()
    other = Engine(replace(settings, engine="localhost:0", engine_metrics_port=port), open_fake)
    with pytest.raises(InputError, match="Metrics can't be served"):
        other.start()
    other.stop()
