"""The code's digest changes with what makes a picture, and with nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tryon_service import fingerprint
from tryon_service.fingerprint import NO_HAND, code_digest


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of this one."""
    copy = tmp_path / "tryon_service"
    shutil.copytree(Path(fingerprint.__file__).parent, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(fingerprint, "__file__", str(copy / "fingerprint.py"))
    return copy


def digest() -> str:
    return code_digest.__wrapped__()


def test_it_is_of_what_makes_a_picture(package: Path) -> None:
    before = digest()
    assert len(before) == 16
    (package / "gateway" / "app.py").write_text("")
    (package / "settings.py").write_text("")
    assert digest() == before
    for name in ("pipeline.py", "renderers/warp.py", "a_new_folder.py"):
        (package / name).write_text("")
        assert digest() != before
        before = digest()


def test_what_is_left_out_is_there() -> None:
    root = Path(fingerprint.__file__).parent
    assert [name for name in NO_HAND if not (root / name).exists()] == []
