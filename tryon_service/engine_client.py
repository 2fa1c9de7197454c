"""Calls to the engine from another process: a channel opened when first needed, deadlines, and our own errors back.

    engine = EngineClient.of(settings)
    answer = engine.render(pb.RenderRequest(...), store="shop", timeout=30.0)

A channel doesn't survive a fork, so each process opens its own. Loads nothing heavy.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar, cast

import grpc
from google.protobuf.message import Message
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tryon_service.errors import InputError, TryonError, UnavailableError
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.pb.details import ERROR_KEY, NOT_BEGUN_KEY, STORE_KEY, from_detail
from tryon_service.pb.limits import MAX_MESSAGE, TOO_LARGE, channel_options
from tryon_service.pb.tryon_pb2_grpc import TryOnStub
from tryon_service.settings import Settings

TRACE_KEY = "traceparent"
PATIENCE = 3.0
"""Seconds that a call waits for an engine that can't be reached, as while another takes over. One that says it is
stopping is waited for as long as the call may take: how long it needs depends on what it has begun."""
PAUSE = 0.1
"""Seconds between looks at such an engine."""
NAME = "tryon.v1.TryOn"
MANY = ("dns:", "ipv4:")
"""What an address begins with that may stand for many engines: a name, or a list."""
SPREAD = json.dumps({"loadBalancingConfig": [{"round_robin": {}}], "healthCheckConfig": {"serviceName": NAME}})
"""gRPC's service config for those: calls in turn, and none to an engine that says it doesn't serve, such as one that is
stopping. To a single engine calls go all the same, and wait there while it replaces its worker."""

R = TypeVar("R", bound=Message)


class EngineClient:
    """Safe between threads, and after a fork. Calls take the store they are for, the seconds they may take, and a W3C
    traceparent; they raise TryonError: what the engine says, "engine_unavailable" or "deadline_exceeded"."""

    def __init__(
        self,
        address: str,
        *,
        cert: str = "",
        key: str = "",
        ca: str = "",
        max_message: int = MAX_MESSAGE,
        patience: float = PATIENCE,
    ) -> None:
        """address: unix:/path, host:port, or dns:///host:port, which spreads calls over all addresses of the name.
        ca: file with the authority of the engine's certificate, which makes it TLS; cert, key: files of our own, where
        the engine asks for one. max_message: bytes."""
        self._address = address
        self._cert, self._key, self._ca = cert, key, ca
        self._max_message, self._patience = max_message, patience
        self._opening = threading.Lock()
        self._opened: tuple[int, grpc.Channel, TryOnStub] | None = None

    @classmethod
    def of(cls, settings: Settings) -> EngineClient:
        """To the engine that the settings name."""
        address = settings.engine_address
        return cls(address, cert=settings.engine_cert, key=settings.engine_key, ca=settings.engine_ca)

    def render(self, request: pb.RenderRequest, *, store: str, timeout: float, trace: str = "") -> pb.RenderResponse:
        return self._call(lambda stub: stub.Render, request, pb.RenderResponse, store, timeout, trace)

    def analyze_pose(
        self, request: pb.AnalyzePoseRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.AnalyzePoseResponse:
        return self._call(lambda stub: stub.AnalyzePose, request, pb.AnalyzePoseResponse, store, timeout, trace)

    def list_poses(
        self, request: pb.ListPosesRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListPosesResponse:
        return self._call(lambda stub: stub.ListPoses, request, pb.ListPosesResponse, store, timeout, trace)

    def put_product(
        self, request: pb.PutProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.PutProductResponse:
        return self._call(lambda stub: stub.PutProduct, request, pb.PutProductResponse, store, timeout, trace)

    def get_product(
        self, request: pb.GetProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetProductResponse:
        return self._call(lambda stub: stub.GetProduct, request, pb.GetProductResponse, store, timeout, trace)

    def list_products(
        self, request: pb.ListProductsRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.ListProductsResponse:
        return self._call(lambda stub: stub.ListProducts, request, pb.ListProductsResponse, store, timeout, trace)

    def delete_product(
        self, request: pb.DeleteProductRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.DeleteProductResponse:
        return self._call(lambda stub: stub.DeleteProduct, request, pb.DeleteProductResponse, store, timeout, trace)

    def get_photo(
        self, request: pb.GetPhotoRequest, *, store: str, timeout: float, trace: str = ""
    ) -> pb.GetPhotoResponse:
        return self._call(lambda stub: stub.GetPhoto, request, pb.GetPhotoResponse, store, timeout, trace)

    def inspect(self, request: pb.InspectRequest, *, store: str, timeout: float, trace: str = "") -> pb.InspectResponse:
        return self._call(lambda stub: stub.Inspect, request, pb.InspectResponse, store, timeout, trace)

    def healthy(self, timeout: float) -> bool:
        """Whether a render would work now; no within timeout seconds is a no."""
        try:
            stub = health_pb2_grpc.HealthStub(self._channel()[0])
            answer = stub.Check(health_pb2.HealthCheckRequest(service=NAME), timeout=timeout)
        except (grpc.RpcError, TryonError):
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Let go of the channel; a later call opens another."""
        with self._opening:
            if self._opened is not None and self._opened[0] == os.getpid():
                self._opened[1].close()
            self._opened = None

    def _call(
        self,
        method: Callable[[TryOnStub], Callable[..., object]],
        request: Message,
        _answer: type[R],
        store: str,
        timeout: float,
        trace: str,
    ) -> R:
        """Tries again what no engine answered, for a while: each of these calls may be made twice."""
        began = seen = time.monotonic()
        metadata = ((STORE_KEY, store), *(((TRACE_KEY, trace),) if trace else ()))
        while True:
            try:
                call = method(self._channel()[1])
                left = max(0.0, began + timeout - time.monotonic())
                return cast(R, call(request, timeout=left, metadata=metadata))
            except grpc.RpcError as error:
                now = time.monotonic()
                seen = now if _stopping(error) else seen
                if not _unanswered(error) or now + PAUSE > min(seen + self._patience, began + timeout):
                    raise _translated(error) from None
            time.sleep(PAUSE)

    def _channel(self) -> tuple[grpc.Channel, TryOnStub]:
        with self._opening:
            if self._opened is None or self._opened[0] != os.getpid():
                channel = self._open()
                self._opened = os.getpid(), channel, TryOnStub(channel)  # type: ignore[no-untyped-call]
            return self._opened[1], self._opened[2]

    def _open(self) -> grpc.Channel:
        options = (
            *channel_options(self._max_message),
            # A path is no host name; without this it would be sent as one.
            *((("grpc.default_authority", "localhost"),) if self._address.startswith("unix:") else ()),
            *((("grpc.service_config", SPREAD),) if self._address.startswith(MANY) else ()),
            # An engine that comes back is found at once, not after two minutes.
            ("grpc.initial_reconnect_backoff_ms", 100),
            ("grpc.min_reconnect_backoff_ms", 100),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.enable_retries", 0),
        )
        if not self._ca:
            return grpc.insecure_channel(self._address, options)
        authority, key, cert = (_read(path) for path in (self._ca, self._key, self._cert))
        return grpc.secure_channel(self._address, grpc.ssl_channel_credentials(authority, key, cert), options)


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise InputError("invalid_option", f"{path} can't be read: {error.strerror}.", "TRYON_ENGINE_CERT") from error


def _trailing(error: grpc.RpcError) -> dict[str, str | bytes]:
    return {one.key: one.value for one in error.trailing_metadata() or ()}


def _unanswered(error: grpc.RpcError) -> bool:
    """Whether no engine has answered: it couldn't be reached, went away, or was stopping and didn't begin."""
    return error.code() == grpc.StatusCode.UNAVAILABLE and (_stopping(error) or ERROR_KEY not in _trailing(error))


def _stopping(error: grpc.RpcError) -> bool:
    """Whether an engine is there, but begins nothing more."""
    return NOT_BEGUN_KEY in _trailing(error)


def _translated(error: grpc.RpcError) -> TryonError:
    """Our own error where the engine sent one, else what the channel's status comes to."""
    detail = _trailing(error).get(ERROR_KEY)
    if isinstance(detail, bytes):
        return from_detail(detail)
    status = error.code()
    if status == grpc.StatusCode.DEADLINE_EXCEEDED:
        return UnavailableError("deadline_exceeded")
    if status == grpc.StatusCode.CANCELLED:
        return UnavailableError("engine_unavailable", "The call was cut off: this process or the engine is ending.")
    if status == grpc.StatusCode.UNAVAILABLE:
        return UnavailableError("engine_unavailable", "It can't be reached.")
    if status == grpc.StatusCode.RESOURCE_EXHAUSTED:
        return InputError("too_many_bytes", f"{TOO_LARGE} So may its answer.")
    return TryonError("internal", f"The engine answers {status.name}.")
