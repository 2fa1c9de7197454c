"""The manifest: this checkout's own is sound, and a wrong one is refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.errors import InputError, ZooError
from tryon_service.zoo.manifest import PackagedFile, load_manifest

ENTRY = """
version = 1
[[networks]]
name = "tiny"
task = "nothing"
file = "tiny.bin"
sha256 = "{sha256}"
bytes = {bytes}
licence = "Apache-2.0"
commercial_use = true
card = "cards/tiny.md"
input_size = [8, 4]
normalisation = {{ mean = [0, 0, 0], std = [255, 255, 255] }}
sources = [{source}]
"""
GOOD = {"sha256": "0" * 64, "bytes": 3, "source": '{ kind = "packaged", path = "weights/tiny.bin" }'}


def write(folder: Path, **changes: object) -> Path:
    (folder / "manifest.toml").write_text(ENTRY.format(**{**GOOD, **changes}))
    return folder


def test_this_checkout_s_manifest_has_everything_a_card_owes() -> None:
    manifest = load_manifest()
    assert {"blazepose-detector", "blazepose-landmark-full"} <= set(manifest.networks)
    for network in manifest.networks.values():
        assert (manifest.folder / network.card).is_file()
        assert network.licence
        assert len({other.file for other in manifest.networks.values()}) == len(manifest.networks)


def test_a_good_entry_is_read(tmp_path: Path) -> None:
    network = load_manifest(write(tmp_path)).network("tiny")
    assert network.input_size == (8, 4)
    assert network.normalisation.std == (255.0, 255.0, 255.0)
    assert network.sources == (PackagedFile("weights/tiny.bin"),)
    assert network.id.sha256 == "0" * 64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sha256": "abc"}, "sha256"),
        ({"bytes": 0}, "bytes"),
        ({"source": ""}, "sources"),
        ({"source": '{ kind = "url", path = "x" }'}, "kind"),
        ({"source": '{ kind = "packaged", path = "../x" }'}, "leaves"),
        ({"source": '{ kind = "wheel", requirement = "thing>=1", member = "x" }'}, "pin"),
        ({"source": '{ kind = "wheel", requirement = "thing==1" }'}, "member is missing"),
    ],
)
def test_a_wrong_entry_is_named(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    with pytest.raises(ZooError, match=words) as caught:
        load_manifest(write(tmp_path, **changes))
    assert "tiny" in caught.value.detail


def test_an_unreadable_manifest_and_an_unknown_version_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ZooError, match="can't be read"):
        load_manifest(tmp_path)
    (tmp_path / "manifest.toml").write_text("version = 7")
    with pytest.raises(ZooError, match="version 7"):
        load_manifest(tmp_path)


def test_an_unknown_network_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="tiny") as caught:
        load_manifest(write(tmp_path)).network("other")
    assert caught.value.code == "invalid_option"
