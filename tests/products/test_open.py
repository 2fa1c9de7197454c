"""The settings choose the store."""

from __future__ import annotations

import stat
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tryon_service.errors import InputError
from tryon_service.products.folder import FolderStore
from tryon_service.products.open import open_store
from tryon_service.settings import Settings


def test_by_default_products_are_in_the_data_folder(tmp_path: Path) -> None:
    data = tmp_path / "tryon" / "data"
    with closing(open_store(Settings(data=data))) as store:
        assert isinstance(store, FolderStore)
        assert store.list("acme") == ([], "")
    assert (data / "products" / "index.db").is_file()
    assert stat.S_IMODE(data.stat().st_mode) == 0o700, "it holds keys and secrets, too"


def test_urls_ask_for_the_store_of_many_machines(tmp_path: Path, redis_url: str) -> None:
    settings = Settings(data=tmp_path / "data", store_url="memory://cards", index_url=redis_url)
    with closing(open_store(settings)) as store:
        assert type(store).__name__ == "RemoteStore"
        assert store.list("acme") == ([], "")
    assert not settings.data.exists()


@pytest.mark.parametrize("missing", ["redis", "fsspec"])
def test_without_the_extra_the_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    for name in [name for name in sys.modules if name.startswith("tryon_service.products.")]:
        if name.endswith((".remote", ".objects")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(InputError, match="scale") as caught:
        open_store(Settings(data=tmp_path, store_url="s3://bucket", index_url="redis://localhost"))
    assert (caught.value.code, caught.value.field) == ("invalid_option", "TRYON_STORE_URL")


def test_the_store_in_a_folder_needs_no_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with closing(open_store(Settings(data=tmp_path))) as store:
        assert store.list("acme") == ([], "")
