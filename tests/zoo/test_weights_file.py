"""Our files of weights: what goes in comes out, the same bytes each time, and a wrong file is told."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="weights need torch (the extra `neural`)")
safetensors = pytest.importorskip("safetensors.torch", reason="files of weights need safetensors (the extra `neural`)")

from tryon_service.errors import InputError, ZooError  # noqa: E402
from tryon_service.zoo.weights_file import FORMAT, KEY, Header, is_weights_file, read_weights, write_weights  # noqa: E402

HEADER = Header("adgan", {"width": 8}, ("background", "pants"), "impulse", "made here")


def weights() -> dict[str, Any]:
    return {"b.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.ones(2)}


def test_header_and_weights_come_back(tmp_path: Path) -> None:
    write_weights(tmp_path / "x", weights(), HEADER)
    assert is_weights_file(tmp_path / "x")
    header, state = read_weights(tmp_path / "x")
    assert header == HEADER
    assert state.keys() == weights().keys()
    assert all(torch.equal(state[name], value) for name, value in weights().items())


def test_any_tool_can_read_the_header(tmp_path: Path) -> None:
    write_weights(tmp_path / "x", weights(), HEADER)
    data = (tmp_path / "x").read_bytes()
    about = json.loads(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"][KEY])
    assert about["classes"] == ["background", "pants"]
    assert about["pose_encoding"] == "impulse"


def test_the_same_makes_the_same_bytes_also_from_views(tmp_path: Path) -> None:
    write_weights(tmp_path / "one", weights(), HEADER)
    turned = weights()["b.weight"].t().contiguous().t()  # the same numbers in another order of memory
    write_weights(tmp_path / "two", {"a.bias": weights()["a.bias"], "b.weight": turned}, replace(HEADER))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write_weights(path, weights(), HEADER)
    whole = path.read_bytes()
    for length in (0, 5, 9, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"x\.safetensors can't be read: it is incomplete"):
            read_weights(path)


def save(path: Path, **changes: object) -> Path:
    about = {"format": FORMAT, **asdict(HEADER), **changes}
    metadata = {KEY: json.dumps({name: value for name, value in about.items() if value is not None})}
    safetensors.save_file(weights(), path, metadata)
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 7}, "has format 7, this version reads 1"),
        ({"format": None}, "doesn't say"),
        ({"network": None}, "doesn't say"),
        ({"more": 1}, "doesn't say"),
        ({"classes": 3}, "doesn't say"),
        ({"config": []}, "doesn't say"),
        ({"config": {"width": "8"}}, "can't be"),
        ({"network": 1}, "can't be"),
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_weights(save(tmp_path / "x", **changes))


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    safetensors.save_file(weights(), tmp_path / "x")
    with pytest.raises(InputError, match="doesn't say which network"):
        read_weights(tmp_path / "x")
    torch.save(weights(), tmp_path / "y")
    assert not is_weights_file(tmp_path / "y")
    assert not is_weights_file(tmp_path / "none")
    with pytest.raises(InputError, match="no file"):
        read_weights(tmp_path / "none")


def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    write_weights(tmp_path / "x", {"a": torch.tensor([float("inf")])}, HEADER)
    with pytest.raises(InputError, match="not finite in a"):
        read_weights(tmp_path / "x")


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="could not be written") as caught:
        write_weights(tmp_path / "none" / "x", weights(), HEADER)
    assert caught.value.code == "storage_unavailable"
