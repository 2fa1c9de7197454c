"""The service as the shop asks it: what it was asked, and a word for what it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

ORIGIN, SERVICE = "http://localhost", "https://tryon.example"
"""Of the shop, and of the service."""


@dataclass
class AskedService:
    """asked: bodies of the calls so far; answer: to the next ones."""

    asked: list[dict[str, object]] = field(default_factory=list)
    answer: Callable[[], httpx.Response] = lambda: httpx.Response(
        201, json={"token": "tryonw.abc", "expires_at": 1, "uses": 1}
    )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.url == f"{SERVICE}/v1/widget-tokens"
        assert request.headers["Authorization"] == "Bearer secret-key"
        self.asked.append(json.loads(request.content))
        return self.answer()
