"""Running networks, tflite with LiteRT and ONNX with onnxruntime, quiet on stderr and shared between threads; and doing
two things at once, which pays because networks and OpenCV let other threads run meanwhile."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from tryon_service.errors import ZooError
from tryon_service.types import Float32Array

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

_BUILD_LOCK = threading.Lock()
_threads = min(os.cpu_count() or 1, 4)


def default_threads() -> int:
    """Threads a network runs on unless told otherwise: the machine's CPUs, at most 4, or what limit_threads said."""
    return _threads


def limit_threads(count: int) -> None:
    """For a process that shares the machine with others of its kind: so many threads, at least 1, for each network
    that is loaded from now on, and for OpenCV."""
    import cv2

    global _threads  # noqa: PLW0603 - like OpenCV's own number, it is the process's
    _threads = count
    cv2.setNumThreads(count)


def side_by_side(work: Callable[[Item], Outcome], items: Sequence[Item]) -> list[Outcome]:
    """work on every item, each in a thread of its own, the first in the caller's, or one after the other where a
    process has one thread only; results in the items' order.

    Raises what work raises for the earliest item that fails, once all have ended.
    """
    if len(items) <= 1 or default_threads() == 1:
        return [work(item) for item in items]
    # Threads of a moment cost a tenth of a millisecond and, unlike a kept pool, survive forks and can't wait in a ring.
    with ThreadPoolExecutor(len(items) - 1, thread_name_prefix="tryon") as pool:
        others = [pool.submit(work, item) for item in items[1:]]
        return [work(items[0]), *(other.result() for other in others)]


def open_onnx(path: Path, name: str, num_threads: int | None = None) -> Any:  # noqa: ANN401 - no types there
    """An onnxruntime session on the CPU. name: the network's, in errors. Raises ZooError("network_mismatch")."""
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # read at import; else it keeps a file of its own and calls its maker
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = num_threads or default_threads(), 1
    options.log_severity_level = 3
    # An arena keeps the most it ever needed; without it the network is as fast and the memory goes back.
    options.enable_cpu_mem_arena = False
    # Threads that spin between photos take the processor from everything else.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises classes it doesn't export
        raise ZooError("network_mismatch", f"{path.name} can't be loaded: {error}", name) from error


class LiteRtSession:
    """One network with one float32 input.

    num_threads calls run side by side, each on an interpreter of its own with a single thread: small networks gain
    little from a second one. Interpreters are built when first needed.
    """

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        self._path = path
        self._slots = threading.BoundedSemaphore(num_threads or default_threads())
        self._idle: list[Any] = []

    def run(self, image: Float32Array) -> list[Float32Array]:
        """image: 1 x H x W x C float32 in the network's own range. Returns copies of its outputs, in the file's order.

        Raises ValueError if the shape is not the network's.
        """
        with self._slots, self._interpreter() as interpreter:
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], np.ascontiguousarray(image, np.float32))
            interpreter.invoke()
            return [interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()]

    @contextlib.contextmanager
    def _interpreter(self) -> Iterator[Any]:
        """An idle interpreter, or a new one, kept for the next call."""
        try:
            interpreter = self._idle.pop()
        except IndexError:
            interpreter = self._build()
        try:
            yield interpreter
        finally:
            self._idle.append(interpreter)

    def _build(self) -> Any:  # noqa: ANN401 - LiteRT has no types
        from ai_edge_litert.interpreter import Interpreter

        with _BUILD_LOCK, _stderr_muted():
            interpreter = Interpreter(model_path=str(self._path), num_threads=1)
            interpreter.allocate_tensors()
        return interpreter


@contextlib.contextmanager
def _stderr_muted() -> Iterator[None]:
    """LiteRT's C++ side greets on file descriptor 2 and has no switch for it; Python's own errors are not affected."""
    try:
        kept = os.dup(2)
    except OSError:  # a daemon without a stderr
        yield
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(sink)
