"""A gateway in front of many engines: calls go round, and past an engine that is stopping."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent import futures

import grpc
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from tryon_service.engine.server import connection_ages
from tryon_service.engine_client import NAME, EngineClient
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import NOT_BEGUN_KEY
from tryon_service.pb.tryon_pb2_grpc import TryOnServicer, add_TryOnServicer_to_server
from tryon_service.settings import load

ADDRESSES = ("127.0.0.1", "127.0.0.2")
"""Both of this machine's loopback."""


class NamedEngine(TryOnServicer):
    """Answers with its name, or that it is stopping."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.health = health.HealthServicer()
        self.health.set(NAME, health_pb2.HealthCheckResponse.SERVING)
        self.stopping = False

    def stop(self) -> None:
        self.stopping = True
        self.health.enter_graceful_shutdown()

    def ListPoses(self, request: pb.ListPosesRequest, context: grpc.ServicerContext) -> pb.ListPosesResponse:  # noqa: N802
        if self.stopping:
            context.set_trailing_metadata(((NOT_BEGUN_KEY, "1"),))
            context.abort(grpc.StatusCode.UNAVAILABLE, "")
        return pb.ListPosesResponse(names=[self.name])


@pytest.fixture
def engines() -> Iterator[tuple[int, list[NamedEngine]]]:
    """(port, engines), each at an address of its own."""
    servers, named, port = [], [], 0
    for address in ADDRESSES:
        engine, server = NamedEngine(address), grpc.server(futures.ThreadPoolExecutor(4))
        add_TryOnServicer_to_server(engine, server)
        health_pb2_grpc.add_HealthServicer_to_server(engine.health, server)
        port = server.add_insecure_port(f"{address}:{port}")
        server.start()
        servers.append(server)
        named.append(engine)
    yield port, named
    for server in servers:
        server.stop(0).wait()


def ask(client: EngineClient) -> str:
    return client.list_poses(pb.ListPosesRequest(), store="shop", timeout=60.0).names[0]


def test_calls_go_round_and_past_an_engine_that_stops(engines: tuple[int, list[NamedEngine]]) -> None:
    port, (first, second) = engines
    client = EngineClient("ipv4:" + ",".join(f"{address}:{port}" for address in ADDRESSES))
    while len({ask(client) for _ in range(4)}) < 2:  # until it has found both
        pass
    assert set(Counter(ask(client) for _ in range(20)).values()) == {10}
    first.stop()
    while ask(client) != second.name:
        pass
    assert {ask(client) for _ in range(20)} == {second.name}
    client.close()


def test_connections_are_made_anew_over_tcp_only() -> None:
    ages = dict(connection_ages(load({"TRYON_ENGINE": "127.0.0.1:50051", "TRYON_RENDER_TIMEOUT": "40"})))
    assert ages["grpc.max_connection_age_grace_ms"] > 40_000, "no call is cut off"
    assert not connection_ages(load({}))
