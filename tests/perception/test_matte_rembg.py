"""Mattes by rembg's networks: whose piece is kept, what is never fetched, and the small U2-Net's real weights."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from tests.perception.small_plug_ins import bring_in_cut_outs, two_tones
from tryon_service.errors import InputError, ZooError
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.perception.base import PoseEstimate
from tryon_service.perception.matte_rembg import RembgMatter
from tryon_service.perception.mattes import person_pieces, person_window
from tryon_service.perception.plug_ins import missing_packages, plug_in
from tryon_service.perception.pose_blazepose import BlazePose
from tryon_service.types import Keypoints, Photo
from tryon_service.zoo.store import Store

FIGURE = draw_figure("standing", OUTFITS["print_tee"], (240, 320))
BODY = FIGURE.matte > 0.5


@pytest.fixture
def rembg() -> None:
    pytest.importorskip("rembg", reason="rembg is not installed, so its mattes were not checked (the extra `rembg`)")


def estimate(mask: np.ndarray, keypoints: Keypoints = FIGURE.keypoints) -> PoseEstimate:
    return PoseEstimate(keypoints, np.asarray(mask, np.float32), 1.0)


def test_only_allowed_networks_are_named(tmp_path: Path) -> None:
    for name in ("bria-rmbg", "u2net_custom", "sam", "densepose", ""):
        with pytest.raises(InputError, match="birefnet-portrait") as caught:
            RembgMatter(name, Store(tmp_path))
        assert (caught.value.code, caught.value.field) == ("invalid_option", "matter")


@pytest.mark.skipif(not missing_packages(plug_in("u2netp")), reason="rembg is installed: its absence can't be seen")
def test_the_extra_is_named(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match=r"pip install 'tryon-service\[rembg\]'") as caught:
        RembgMatter("u2netp", Store(tmp_path))
    assert caught.value.code == "network_missing"


def test_the_window_holds_mask_and_joints() -> None:
    at = person_window(estimate(BODY), 0.0)
    assert at is not None
    assert BODY[at].sum() == BODY.sum()
    assert person_window(estimate(BODY * 0), 0.1) is None
    trunk = BODY.copy()
    trunk[200:] = False
    wider = person_window(estimate(trunk), 0.0)
    assert wider is not None
    assert wider[0].stop > FIGURE.keypoints.xy[27, 1] > 200
    unknown = replace(FIGURE.keypoints, seen=np.zeros(33, np.bool_))
    narrow = person_window(estimate(trunk, unknown), 0.0)
    assert narrow is not None
    assert narrow[0].stop <= 200


def test_pieces_of_others_are_left_out() -> None:
    alpha = np.zeros((20, 30), np.float32)
    alpha[2:18, 2:8], alpha[2:18, 20:26], alpha[10, 8:10] = 1, 1, 0.3
    mask = np.zeros_like(alpha)
    mask[5:15, 3:7] = 1
    kept = person_pieces(alpha, mask)
    assert np.array_equal(kept[:, :15], alpha[:, :15])
    assert not kept[:, 15:].any()
    assert not person_pieces(alpha, np.zeros_like(mask)).any()


@pytest.mark.usefixtures("rembg")
def test_a_neighbour_is_left_out_and_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pooch

    def reached(*_: object, **__: object) -> None:
        raise AssertionError("the network was reached for")

    monkeypatch.setattr(pooch, "retrieve", reached)
    monkeypatch.setattr(socket.socket, "connect", reached)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    store = bring_in_cut_outs(tmp_path, "u2netp", "isnet-general-use")
    both = np.hstack([BODY, BODY[:, ::-1]])
    mine = np.hstack([BODY, np.zeros_like(BODY)])
    photo = Photo(two_tones(both), (480, 320), "")
    for name in ("u2netp", "isnet-general-use"):
        backend = RembgMatter(name, store, num_threads=1)
        assert [network.name for network in backend.networks] == [name]
        found = backend.matte(photo, estimate(mine)) > 0.5
        assert (found & mine).sum() > 0.93 * (found | mine).sum()
    assert not (tmp_path / "home").exists()


@pytest.mark.usefixtures("rembg")
def test_a_blank_answer_is_no_matte(tmp_path: Path) -> None:
    backend = RembgMatter("u2netp", bring_in_cut_outs(tmp_path, "u2netp", gain=0.0), num_threads=1)
    assert not backend.matte(Photo(two_tones(BODY), (240, 320), ""), estimate(BODY)).any()


@pytest.mark.usefixtures("rembg")
def test_a_file_changed_after_import_is_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = bring_in_cut_outs(tmp_path, "u2netp")
    path = store.path("u2netp")
    path.write_bytes(path.read_bytes()[:-1] + b"\0")

    def opened(*_: object) -> None:
        raise AssertionError("onnxruntime read a file that had changed")

    monkeypatch.setattr("tryon_service.perception.matte_rembg.open_onnx", opened)
    with pytest.raises(ZooError) as caught:
        RembgMatter("u2netp", Store(store.root))
    assert caught.value.code == "network_mismatch"


@pytest.mark.usefixtures("rembg")
def test_the_small_network_sees_people(load: Callable[[str], Photo], blazepose: BlazePose, photos: Path) -> None:
    """With u2netp's published weights, where the zoo has them."""
    import PIL.Image

    try:
        backend = RembgMatter("u2netp", num_threads=1)
    except ZooError as error:
        pytest.skip(f"real weights were not checked: {error.detail}")
    for name in ("0002", "0007"):
        photo = load(f"ccp/photos/{name}.jpg")
        matte = backend.matte(photo, blazepose.estimate(photo)) > 0.5
        labels = np.array(PIL.Image.open(photos / "ccp" / "labels" / f"{name}.png"))
        truth = cv2.resize((labels > 0).astype(np.uint8), matte.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
        assert (matte & truth).sum() > 0.9 * (matte | truth).sum(), name
