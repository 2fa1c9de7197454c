"""What the README tells shops about the widget is so."""

from __future__ import annotations

import json
import re
from pathlib import Path

import httpx
import pytest
from flask.testing import FlaskClient

from tryon_service import client as client_module

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README[README.index("## The widget") : README.index("## Verdicts")]
EXAMPLE = re.compile(r"<!-- widget -->\s*```python\n(.*?)```\s*<!-- /widget -->", re.DOTALL)
OWN = {"Origin": "https://shop.example"}


@pytest.fixture
def asked() -> list[dict[str, object]]:
    return []


@pytest.fixture
def backend(asked: list[dict[str, object]], monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """The example, in front of a service that notes what it is asked."""

    def service(request: httpx.Request) -> httpx.Response:
        assert request.url == "https://tryon.example/v1/widget-tokens"
        asked.append(json.loads(request.content))
        return httpx.Response(201, json={"token": "tryonw.abc", "expires_at": 1, "uses": 1})

    class Recorded(client_module.Client):
        def __init__(self, base_url: str, api_key: str, *, timeout: float) -> None:
            super().__init__(base_url, api_key, timeout=timeout, transport=httpx.MockTransport(service))

    monkeypatch.setattr(client_module, "Client", Recorded)
    found = EXAMPLE.search(SECTION)
    assert found, "the README has no example of a backend"
    names: dict[str, object] = {"key": "secret-key", "__name__": "example"}
    exec(compile(found[1], "README.md", "exec"), names)
    return names["app"].test_client()  # type: ignore[attr-defined]


def test_the_example_backend_gives_its_own_page_a_token(backend: FlaskClient, asked: list[dict[str, object]]) -> None:
    answer = backend.post("/tryon-token", json={"products": ["shirt-1"]}, headers=OWN)
    assert answer.json == {"token": "tryonw.abc"}
    assert asked == [{"origin": "https://shop.example", "product_ids": ["shirt-1"], "uses": 22}]


@pytest.mark.parametrize(
    ("origin", "product"), [("https://evil.example", "shirt-1"), ("https://shop.example", "other")]
)
def test_the_example_backend_gives_nobody_else_one(
    backend: FlaskClient, asked: list[dict[str, object]], origin: str, product: str
) -> None:
    answer = backend.post("/tryon-token", json={"products": [product]}, headers={"Origin": origin})
    assert answer.status_code == 403
    assert asked == []


def test_events_and_properties_are_those_of_the_widget() -> None:
    sources = Path(client_module.__file__).parents[1] / "widget" / "src"
    code = "\n".join(file.read_text() for file in sources.rglob("*") if file.suffix in (".ts", ".css"))
    for event in set(re.findall(r"tryon:[a-z-]+", SECTION)):
        assert f'"{event}"' in code, f"{event} is in the README, and nowhere else"
    for name in set(re.findall(r"--tryon-[a-z-]+", SECTION)):
        assert f"var({name}" in code, f"{name} is in the README, and nowhere else"
