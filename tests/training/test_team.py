"""Processes that train together learn what one would that takes the whole batch."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_portraits import write_people

torch = pytest.importorskip("torch", reason="training needs torch (the extra `neural`)")
pytest.importorskip("safetensors", reason="files of weights need safetensors (the extra `neural`)")
pytest.importorskip("onnx", reason="the parser's features are read with onnx (the extra `neural`)")

import team_process  # noqa: E402

from tryon_service.training.generator_run import train_generator  # noqa: E402
from tryon_service.training.team import Team, alone  # noqa: E402
from tryon_service.zoo.weights_file import read_weights  # noqa: E402

CPU = torch.device("cpu")


def test_a_batch_is_divided_without_rest() -> None:
    shares = [Team(rank, 3, CPU).share(list(range(8))) for rank in range(3)]
    assert shares == [[0, 3], [1, 4], [2, 5]]
    assert alone(CPU).share([4, 2]) == [4, 2]


def test_alone_nothing_changes() -> None:
    weight = torch.ones(2, requires_grad=True)
    weight.sum().backward()
    alone(CPU).average_gradients([weight])
    assert torch.equal(weight.grad, torch.ones(2))
    assert alone(CPU).mean({"loss": 0.5}) == {"loss": 0.5}
    alone(CPU).wait()


@pytest.mark.soak
def test_two_processes_learn_what_one_does(tmp_path: Path) -> None:
    data = write_people(tmp_path / "data", (32, 48), train=2)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = os.environ | {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": "2",
        "PYTHONPATH": os.pathsep.join(sys.path),
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, team_process.__file__, str(data), str(tmp_path / "two")]
    both = [
        subprocess.Popen(command, env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)}) for rank in range(2)
    ]
    assert [process.wait(timeout=600) for process in both] == [0, 0]
    _, two = read_weights(tmp_path / "two" / "weights.safetensors")
    _, one = read_weights(train_generator("adgan", data, tmp_path / "one", team_process.RECIPE))
    unlearned = replace(team_process.RECIPE, learning_rate=0.0)
    _, begun = read_weights(train_generator("adgan", data, tmp_path / "none", unlearned))
    apart = sum(float((one[name] - two[name]).abs().sum()) for name in one)
    moved = sum(float((one[name] - begun[name]).abs().sum()) for name in one)
    assert apart < 0.01 * moved, "but for rounding"
