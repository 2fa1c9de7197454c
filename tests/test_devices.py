"""Generators draw on the device that the process was told of, and one that isn't there is refused by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.renderers.small_generators import bring_in
from tryon_service import devices
from tryon_service.errors import InputError
from tryon_service.renderers.generators import open_generator

torch = pytest.importorskip("torch")


@pytest.fixture(autouse=True)
def back_to_the_cpu() -> Iterator[None]:
    yield
    devices.use_device("cpu")


def test_arrays_become_batches_of_one_and_come_back() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3)
    (batch,) = devices.one_each(array)
    assert batch.shape == (1, 2, 3)
    np.testing.assert_array_equal(devices.first_of(batch), array)


@pytest.mark.parametrize("name", ["cuda:99", "no such device", "meta"])
def test_a_device_that_cannot_draw_is_refused_by_the_settings_name(name: str) -> None:
    with pytest.raises(InputError, match=f"TRYON_DEVICE: {name!r} can't be used: ") as caught:
        devices.use_device(name)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "device")
    assert devices.device() == "cpu"


def test_generators_and_what_they_are_shown_go_to_the_chosen_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zoo = bring_in("pose2image", tmp_path)
    monkeypatch.setattr(devices, "_chosen", "meta")  # the one other device that every machine has
    net = open_generator("pose2image", zoo).net
    assert {weight.device.type for weight in net.parameters()} == {"meta"}
    assert net(*devices.one_each(np.zeros(26, np.float32))).shape == (1, 3, 64, 64)
