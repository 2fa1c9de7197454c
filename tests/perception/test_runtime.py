"""LiteRT sessions: quiet, lazy, safe to share."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest

from tryon_service.errors import ZooError
from tryon_service.perception import runtime
from tryon_service.perception.runtime import LiteRtSession, default_threads, side_by_side
from tryon_service.zoo.store import Store


@pytest.fixture
def session() -> LiteRtSession:
    try:
        return LiteRtSession(Store().path("blazepose-detector"), num_threads=1)
    except ZooError as error:
        pytest.skip(f"no networks: {error}")


def test_threads_are_bounded() -> None:
    assert 1 <= default_threads() <= 4


def test_a_process_can_be_held_to_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "_threads", default_threads())
    runtime.limit_threads(1)
    assert default_threads() == cv2.getNumThreads() == 1
    assert side_by_side(lambda _: threading.get_ident(), [1, 2]) == [threading.get_ident()] * 2


def test_the_first_run_says_nothing_on_stderr(session: LiteRtSession, capfd: pytest.CaptureFixture[str]) -> None:
    outputs = session.run(np.zeros((1, 224, 224, 3), np.float32))
    assert [output.shape for output in outputs] == [(1, 2254, 12), (1, 2254, 1)]
    assert capfd.readouterr() == ("", "")


def test_threads_share_a_session(session: LiteRtSession) -> None:
    images = [np.full((1, 224, 224, 3), value, np.float32) for value in (-1.0, -0.3, 0.4, 1.0)]
    alone = [session.run(image)[1] for image in images]
    together: list[np.ndarray | None] = [None] * len(images)

    def work(index: int) -> None:
        together[index] = session.run(images[index])[1]

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(images))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for one, other in zip(alone, together, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_wrong_shape_is_refused(session: LiteRtSession) -> None:
    with pytest.raises(ValueError, match="Dimension mismatch"):
        session.run(np.zeros((1, 100, 100, 3), np.float32))


def test_work_is_done_side_by_side_and_comes_back_in_order() -> None:
    meet = threading.Barrier(3, timeout=60)

    def work(item: int) -> int:
        meet.wait()
        return 10 * item

    assert side_by_side(work, (1, 2, 3)) == [10, 20, 30]
    assert side_by_side(abs, [-1]) == [1]
    assert side_by_side(abs, []) == []


def test_the_earliest_item_that_fails_is_the_one_heard_of() -> None:
    with pytest.raises(ZeroDivisionError):
        side_by_side(lambda item: 1 // item, (1, 0, "x"))


def test_two_calls_run_side_by_side_on_interpreters_of_their_own(session: LiteRtSession) -> None:
    image = np.zeros((1, 224, 224, 3), np.float32)
    alone = session.run(image)
    with session._interpreter(), session._interpreter():
        assert session._idle == []
    for one, other in zip(alone, session.run(image), strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(session._idle) == 2


def test_onnxruntime_reports_to_nobody(tmp_path: Path) -> None:
    """Left alone it keeps a file among the temporary ones and sends its maker what it did."""
    code = (
        "from tryon_service.perception.runtime import open_onnx; from tryon_service.zoo.store import Store;"
        "open_onnx(Store().path('parser'), 'parser', 1)"
    )
    environ = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", code], env={**environ, "TMPDIR": str(tmp_path)}, check=True)
    assert list(tmp_path.iterdir()) == []
