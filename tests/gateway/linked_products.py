"""A shop's products and links to their pictures, for the tests of links."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from guarded_app import Bench, bench
from werkzeug.test import TestResponse


@contextmanager
def two_shops(folder: Path) -> Iterator[Bench]:
    """Two stores with products of the same ids."""
    with bench(folder) as one:
        for store in ("shop", "other"):
            for product_id in ("shirt", "dress", "a.b_c~d-1"):
                one.engine.put(store, product_id, store)
        yield one


def links(made: Bench, *ids: str, text: str = "", origin: str | None = None, **terms: Any) -> list[str]:
    """Paths with queries."""
    asked = {"pose": "name:standing", "product_ids": ids or ["shirt"], **terms}
    answer = made.post("/v1/render-urls", asked, text, origin)
    assert answer.status_code == 200, answer.text
    parts = [urlsplit(link["url"]) for link in answer.get_json()["links"]]
    return [f"{part.path}?{part.query}" for part in parts]


def code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["code"]
