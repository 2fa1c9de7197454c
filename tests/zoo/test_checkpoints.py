"""Checkpoints of others: what is not finite weights by name is refused, and what doesn't fit is named."""

from __future__ import annotations

import logging
import os
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="weights need torch (the extra `neural`)")

from tryon_service.errors import InputError  # noqa: E402
from tryon_service.zoo.checkpoints import (  # noqa: E402
    STATISTICS,
    FixUps,
    difference,
    fix_up,
    load_strictly,
    read_checkpoint,
)

FIXUPS = FixUps(unused={"running statistics": STATISTICS})


def weights() -> dict[str, Any]:
    return {"0.weight": torch.arange(6.0).reshape(2, 3), "0.bias": torch.tensor([1.0, 2.0])}


def net() -> Any:
    return torch.nn.Sequential(torch.nn.Linear(3, 2))


@pytest.fixture(params=["zip", "legacy"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """As torch writes files now, and as it did when ADGAN and PATN were published."""
    path = tmp_path / "weights.pth"
    torch.save(weights(), path, _use_new_zipfile_serialization=request.param == "zip")
    return path


def test_weights_are_read_as_they_are(saved: Path) -> None:
    state = read_checkpoint(saved)
    assert list(state) == list(weights())
    assert all(torch.equal(state[name], value) for name, value in weights().items())


def test_a_file_cut_short_anywhere_is_refused(saved: Path) -> None:
    whole = saved.read_bytes()
    for share in (0, 0.01, 0.1, 0.3, 0.5, 0.7, 0.9, 0.99):
        saved.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(InputError, match=r"weights\.pth can't be read: it is incomplete") as caught:
            read_checkpoint(saved)
        assert "weights_only" not in str(caught.value), "torch's advice to switch the safety off is not passed on"


class Attack:
    """What a pickle may do when it is opened."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_file_is_not_run(tmp_path: Path, zipped: bool) -> None:
    torch.save({**weights(), "x": Attack(tmp_path / "made")}, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match="something other than weights"):
        read_checkpoint(tmp_path / "x.pth")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "an empty mapping"),
        ([1, 2], "a list"),
        (torch.ones(3), "a Tensor"),
        ({"epoch": 3, **weights()}, "a int under the name 'epoch'"),
        ({"state_dict": weights()}, "a mapping under the name 'state_dict'"),
        ({7: torch.ones(3)}, "under the name '7'"),
        ({"a": torch.tensor([1.0, float("nan")])}, "not finite in a"),
        ({"a": torch.tensor([1e300], dtype=torch.float64)}, "not finite in a"),
        ({"a": torch.ones(3, dtype=torch.int64)}, "under the name 'a'"),
        ({"a": torch.eye(3).to_sparse()}, "under the name 'a'"),
        ({"a": torch.ones(3, dtype=torch.complex64)}, "under the name 'a'"),
        ({"a": torch.ones(3, device="meta")}, "under the name 'a'"),
    ],
)
def test_a_file_of_something_else_says_what_it_holds(tmp_path: Path, content: object, words: str) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(InputError) as caught:
        read_checkpoint(tmp_path / "x.pth")
    assert words in caught.value.detail
    assert caught.value.code == "invalid_option"
    assert caught.value.field == "checkpoint"


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"some words", b"\x80\x02}q\x00."])
def test_a_file_of_no_such_kind_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.pth").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.pth"):
        read_checkpoint(tmp_path / "x.pth")


def test_an_archive_of_other_things_a_folder_and_nothing_are_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("photo.jpg", b"")
    with pytest.raises(InputError, match="can't be read"):
        read_checkpoint(tmp_path / "x.zip")
    for path in (tmp_path, tmp_path / "none.pth"):
        with pytest.raises(InputError, match="no file"):
            read_checkpoint(path)


def test_half_precision_becomes_whole(tmp_path: Path) -> None:
    torch.save({name: value.half() for name, value in weights().items()}, tmp_path / "x.pth")
    state = read_checkpoint(tmp_path / "x.pth")
    assert {value.dtype for value in state.values()} == {torch.float32}
    assert torch.equal(state["0.weight"], weights()["0.weight"])


@pytest.mark.parametrize("prefix", ["", "module.", "model.", "module.model."])
def test_prefixes_and_unused_statistics_go_and_are_told(prefix: str) -> None:
    state = {**weights(), "1.running_mean": torch.zeros(2), "1.num_batches_tracked": torch.tensor(3)}
    fixed, done = fix_up({prefix + name: value for name, value in state.items()}, weights().keys(), FIXUPS)
    assert list(fixed) == list(weights())
    assert done[-1] == "2 running statistics left out"
    assert len(done) == 1 + prefix.count(".")


def test_what_some_names_have_only_is_no_prefix() -> None:
    state = {"module.0.weight": torch.zeros(1), "0.bias": torch.zeros(1)}
    assert fix_up(state, weights().keys(), FIXUPS) == (state, [])


def test_statistics_that_the_network_uses_are_kept() -> None:
    state = {"1.running_mean": torch.zeros(2)}
    assert fix_up(state, state.keys(), FIXUPS) == (state, [])


def test_what_fits_is_loaded(tmp_path: Path) -> None:
    with torch.device("meta"):
        empty = net()
    load_strictly(empty, weights(), tmp_path / "x.pth")
    assert torch.equal(empty[0].weight, weights()["0.weight"])
    assert empty[0].weight.requires_grad


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"0.bias": None}, r"missing: 0\.bias"),
        ({"1.weight": torch.zeros(1)}, r"unknown: 1\.weight"),
        ({"0.bias": torch.zeros(3)}, r"of another shape: 0\.bias \(\[3\], not \[2\]\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name_and_changes_nothing(changes: dict[str, Any], words: str) -> None:
    state = {name: value for name, value in {**weights(), **changes}.items() if value is not None}
    kept = net()
    before = kept[0].weight.clone()
    with pytest.raises(InputError, match=rf"x\.pth doesn't fit the network: {words}"):
        load_strictly(kept, state, Path("x.pth"))
    assert torch.equal(kept[0].weight, before)


def test_a_long_list_is_cut_in_the_message_and_whole_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    names = [f"layer{i}.weight" for i in range(20)]
    with caplog.at_level(logging.INFO, "tryon_service.zoo"):
        said = difference({}, {name: [1] for name in names})
    assert said.endswith("layer7.weight and 12 more")
    assert all(name in caplog.text for name in names)
