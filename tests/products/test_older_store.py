"""Data of the first release that could be run: what it kept, today's code reads, down to keys and signed links."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import pytest

from tryon_service.access.access import Access
from tryon_service.access.signing import VERSION, version
from tryon_service.products.folder import FolderStore
from tryon_service.products.open import open_kept
from tryon_service.settings import Settings

OLDER = Path(__file__).parent / "older_store"
SECRETS = "old:" + base64.b64encode(b"of the tests and no secret at all").decode()


@pytest.fixture
def expected() -> dict[str, Any]:
    """What the service that wrote it answered."""
    content: dict[str, Any] = json.loads((OLDER / "expected.json").read_text())
    return content


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Its data folder, as private as it was."""
    shutil.copytree(OLDER / "data", tmp_path / "data")
    for path in [tmp_path / "data", *(tmp_path / "data").rglob("*")]:
        path.chmod(0o700 if path.is_dir() else 0o600)
    return Settings(data=tmp_path / "data", secrets=SECRETS)


@pytest.fixture
def access(settings: Settings) -> Iterator[Access]:
    with closing(Access.open(settings)) as opened:
        yield opened


def test_products_are_as_they_were_told(settings: Settings, expected: dict[str, Any]) -> None:
    with closing(open_kept(settings)) as products:
        for store, cards in expected["products"].items():
            records, _ = products.list(store)
            assert [(one.id, one.digest, one.rights_reference) for one in records] == [
                (card["id"], card["digest"], card["rights_reference"]) for card in cards
            ]
            for record, card in zip(records, cards, strict=True):
                assert [record.created_at, record.updated_at] == [card["created_at"], card["updated_at"]]
                told = [
                    (one.sha256, one.bytes, one.view, one.seen_view, one.width, one.height) for one in record.photos
                ]
                names = ("sha256", "bytes", "view", "seen_view", "width", "height")
                assert told == [tuple(photo[name] for name in names) for photo in card["photos"]]
                assert [len(photo) for photo in products.photos(record)] == [photo["bytes"] for photo in card["photos"]]
        assert records != []


def test_keys_and_signed_links_of_then_are_good(settings: Settings, access: Access, expected: dict[str, Any]) -> None:
    with closing(FolderStore(settings.data / "products")) as products:
        for store, text in expected["keys"].items():
            assert access.by_text(text, None).store == store
            path, _, query = expected["links"][store].partition("?")
            parameters = parse_qsl(query)
            then = replace(access, clock=lambda end=dict(parameters)["exp"]: float(end) - 60)
            assert then.by_link(f"/v1/{unquote(path)}", parameters).store == store
            assert dict(parameters)[VERSION] == version(products.get(store, "print-tee").digest)
