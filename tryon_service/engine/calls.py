"""What every gRPC call has in common: its store, its deadline, how it waits, how it fails, and what is noted of it."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

import grpc

from tryon_service.engine.messages import Message
from tryon_service.engine.queue import Priority
from tryon_service.engine.supervisor import Supervisor
from tryon_service.errors import CODES, InputError, TryonError, UnavailableError
from tryon_service.observability import logs, tracing
from tryon_service.observability.metrics import EngineMetrics
from tryon_service.observability.tracing import Span, Tracer
from tryon_service.pb.details import ERROR_KEY, NOT_BEGUN_KEY, STORE_KEY, to_detail
from tryon_service.products.records import check_store

logger = logging.getLogger(__name__)

MARGIN = 0.05
"""Seconds before the caller's deadline by which an answer has to be on its way."""

A = TypeVar("A")


@dataclass
class Call:
    """One call being answered. deadline: of time.monotonic(); span: what is traced of it; priority: whose turn its work
    waits for; verdict: that of a render, once known."""

    context: grpc.ServicerContext
    deadline: float
    span: Span
    tracer: Tracer
    priority: Priority = "shopper"
    verdict: str = ""

    @property
    def store(self) -> str:
        """The store (tenant) it is for. Raises InputError."""
        store = metadata_of(self.context).get(STORE_KEY)
        if not store:
            raise InputError("missing_field", f"The metadata {STORE_KEY} says which store the call is for.", STORE_KEY)
        check_store(store)
        return store

    def ask(self, supervisor: Supervisor, message: Message) -> Message:
        """The worker's answer to a message. Raises as Supervisor.submit and wait do."""
        return self.wait(supervisor.submit(message, priority=self.priority, deadline=self.deadline))

    def wait(self, future: Future[Message]) -> Message:
        """The worker's answer; the work is taken out of the queue if the caller leaves or time is up.

        Raises what the work raises, and UnavailableError("deadline_exceeded").
        """

        def leave() -> None:
            future.cancel()

        if not self.context.add_callback(leave):
            future.cancel()
        try:
            return future.result(max(0.0, self.deadline - time.monotonic()))
        except (TimeoutError, CancelledError):
            future.cancel()
            raise UnavailableError("deadline_exceeded") from None

    def rendered(self, report: Mapping[str, Any]) -> None:
        """Note the outcome of a render; report: its row."""
        self.verdict = report["verdict"]
        self.span.set(verdict=report["verdict"], renderer=report["renderer"])
        self.tracer.steps(self.span.trace, report["timings_ms"])


def metadata_of(context: grpc.ServicerContext) -> dict[str, str]:
    """The call's metadata without the binary ones; the last of several values."""
    return {key: value for key, value in context.invocation_metadata() if isinstance(value, str)}


class Calls:
    """Answers calls until it is closed, and knows how many it is answering. longest: seconds that a call may take."""

    def __init__(self, metrics: EngineMetrics, tracer: Tracer, longest: float) -> None:
        self._metrics, self._tracer, self._longest = metrics, tracer, longest
        self._running = 0
        self._changed = threading.Condition()
        self._closed = False

    def close(self) -> None:
        """Turn away every call from now on."""
        with self._changed:
            self._closed = True

    def wait_idle(self, timeout: float) -> bool:
        """Whether every call was answered within so many seconds."""
        with self._changed:
            return self._changed.wait_for(lambda: self._running == 0, timeout)

    def answer(self, rpc: str, context: grpc.ServicerContext, work: Callable[[Call], A]) -> A:
        """What work makes of the call; errors become the status and ErrorDetail that belong to them."""
        if not self._enter():
            _abort(context, UnavailableError("engine_unavailable", "The engine is stopping."), (NOT_BEGUN_KEY, "1"))
        try:
            with self._tracer.span(rpc, tracing.from_metadata(context.invocation_metadata()), rpc=rpc) as span:
                call = Call(context, self._deadline(context), span, self._tracer)
                with logs.bind(rpc=rpc, trace_id=span.trace.trace_id), self._noted(rpc, call):
                    return work(call)
        except TryonError as error:
            _abort(context, error)
        except Exception:  # noqa: BLE001 - noted where it was raised; the caller learns no more than that it is ours
            _abort(context, TryonError("internal"))
        finally:
            self._leave()

    @contextlib.contextmanager
    def _noted(self, rpc: str, call: Call) -> Iterator[None]:
        """One count and one line for every call."""
        began, code = time.monotonic(), "ok"
        try:
            yield
        except TryonError as error:
            code = error.code
            raise
        except Exception:
            code = "internal"
            logger.exception("a call failed")
            raise
        finally:
            seconds = time.monotonic() - began
            self._metrics.call(rpc, code, seconds)
            call.span.set(code=code)
            logs.log_call(status=_status(code).name, ms=1000.0 * seconds, code=code, verdict=call.verdict or None)

    def _deadline(self, context: grpc.ServicerContext) -> float:
        left = context.time_remaining()
        return time.monotonic() + min(self._longest, (self._longest if left is None else left) - MARGIN)

    def _enter(self) -> bool:
        with self._changed:
            if not self._closed:
                self._running += 1
            return not self._closed

    def _leave(self) -> None:
        with self._changed:
            self._running -= 1
            self._changed.notify_all()


def _status(code: str) -> grpc.StatusCode:
    return grpc.StatusCode.OK if code == "ok" else grpc.StatusCode[CODES[code].grpc]


def _abort(context: grpc.ServicerContext, error: TryonError, *metadata: tuple[str, str]) -> NoReturn:
    context.set_trailing_metadata(((ERROR_KEY, to_detail(error).SerializeToString()), *metadata))
    context.abort(_status(error.code), f"{error.public_text} (code {error.code})")
