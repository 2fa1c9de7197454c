"""Running tflite networks with LiteRT: built on first use, safe to share between threads, quiet on stderr."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tryon_service.types import Float32Array

_BUILD_LOCK = threading.Lock()


def default_threads() -> int:
    """Threads a network runs on unless told otherwise: the machine's CPUs, at most 4."""
    return min(os.cpu_count() or 1, 4)


class LiteRtSession:
    """One network with one float32 input. The interpreter is built at the first run and guarded by a lock."""

    def __init__(self, path: Path, num_threads: int | None = None) -> None:
        self._path = path
        self._num_threads = num_threads or default_threads()
        self._lock = threading.Lock()
        self._interpreter: Any = None
        self._input = 0
        self._outputs: tuple[int, ...] = ()

    def run(self, image: Float32Array) -> list[Float32Array]:
        """image: 1 x H x W x C float32 in the network's own range. Returns copies of its outputs, in the file's order.

        Raises ValueError if the shape is not the network's.
        """
        with self._lock:
            if self._interpreter is None:
                self._build()
            self._interpreter.set_tensor(self._input, np.ascontiguousarray(image, np.float32))
            self._interpreter.invoke()
            return [self._interpreter.get_tensor(index) for index in self._outputs]

    def _build(self) -> None:
        from ai_edge_litert.interpreter import Interpreter

        with _BUILD_LOCK, _stderr_muted():
            interpreter = Interpreter(model_path=str(self._path), num_threads=self._num_threads)
            interpreter.allocate_tensors()
        self._input = interpreter.get_input_details()[0]["index"]
        self._outputs = tuple(detail["index"] for detail in interpreter.get_output_details())
        self._interpreter = interpreter


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
