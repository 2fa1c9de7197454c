"""A shop that calls the service as shops do, and knows what every answer has to be.

    shop = Shop(service, drawn())
    asyncio.run(prepare(shop))                            # see calls.py: puts its cards, learns what pictures look like
    outcome = await CALLS["photo"](shop, client, dice)    # "ok", or what was wrong

A picture is right if it is, byte for byte, what the same people and card gave before: the service is deterministic.
"""

from __future__ import annotations

import hashlib
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from tests.real_service import Service, form
from tests.reliability.people import People
from tryon_service.access.usage import Usage
from tryon_service.engine_client import EngineClient
from tryon_service.errors import CODES

OK = "ok"
REFUSED_CONNECTION, CUT_OFF, SILENT = "connection refused", "connection cut off", "no answer in time"
WRONG = "wrong answer"
"""Outcomes beside the service's own codes."""
STORE = "shop"
RIGHTS = {"rights_confirmed": "true", "rights_reference": "2026-114"}
HOUSE_POSES = ("name:standing", "name:contrapposto", "name:walking")
CHANGING = tuple(f"changing-{number}" for number in range(4))
"""Ids of products that are put anew and deleted all the time."""
TIMEOUT = 40.0
"""Seconds for any answer: longer than TRYON_RENDER_TIMEOUT, after which the service itself gives up."""
KEPT_POSES = 8


class Shop:
    """See the module's docstring. gateways: URLs; where one refuses the connection the next is tried, as a balancer
    does; hidden: how often that happened. cards: what each product's first photo may be, by sha256, where a call that
    failed may or may not have changed it; "" for no product. answered: calls that count as use of the key."""

    def __init__(self, service: Service, people: People, gateways: list[str] | None = None) -> None:
        self.service, self.people = service, people
        self.key = service.key("render,products,admin", STORE)
        self.gateways = gateways or [service.url]
        self.hidden = self.answered = 0
        self.truth: dict[object, str] = {}
        self.pairs: list[tuple[int, str]] = []
        self.cards: dict[str, set[str]] = {}
        self.busy: set[str] = set()
        self.poses: deque[tuple[int, str]] = deque(maxlen=KEPT_POSES)
        self.links: deque[tuple[object, str]] = deque(maxlen=4 * KEPT_POSES)
        self.engine = EngineClient(service.engine)
        self.threads = ThreadPoolExecutor(32, thread_name_prefix="grpc")
        self._turn = 0

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(timeout=TIMEOUT, limits=httpx.Limits(max_connections=None))

    def close(self) -> None:
        self.threads.shutdown(cancel_futures=True)
        self.engine.close()

    async def ask(self, client: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer of the first gateway that takes the call, in turn. Raises httpx.TransportError."""
        self._turn += 1
        headers = {"Authorization": f"Bearer {self.key}", **options.pop("headers", {})}
        for number in range(len(self.gateways)):
            url = self.gateways[(self._turn + number) % len(self.gateways)]
            try:
                answer = await client.request(method, url + path, headers=headers, **options)
            except httpx.ConnectError:
                if number + 1 == len(self.gateways):
                    raise
                self.hidden += 1
                continue
            self.answered += path.startswith("/v1/") and answer.status_code not in (401, 403)
            return answer
        raise AssertionError

    async def photo_of(self, client: httpx.AsyncClient, shopper: int, card: str) -> str:
        parts = form(shopper=self.people.shoppers[shopper], product_id=card, min_verdict="doubtful")
        return self.judged((shopper, card), await self.ask(client, "POST", "/v1/renders", files=parts))

    def judged(self, what: object, answer: httpx.Response) -> str:
        """OK for the right picture, the code of a well-formed problem document, else WRONG."""
        if answer.status_code != 200:
            return problem(answer)
        return self.compared(what, answer.content)

    def compared(self, what: object, picture: bytes) -> str:
        digest = hashlib.sha256(picture).hexdigest()
        return OK if self.truth.setdefault(what, digest) == digest else WRONG

    def used(self) -> int:
        """Calls that are written down as made with the key."""
        rows = Usage(self.service.data / "keys.db").rows(store=STORE)
        return sum(row.count for row in rows)

    def lost(self) -> list[str]:
        """Products that are not as they were answered to be, and the key if it isn't known any more."""
        lost = []
        with self.service.http(self.key) as http:
            for card, allowed in self.cards.items():
                answer = http.get(f"/v1/products/{card}")
                found = answer.json()["photos"][0]["sha256"] if answer.status_code == 200 else problem(answer)
                if found == "unauthorized":
                    return ["the API key"]
                if ("" if found == "unknown_product" else found) not in allowed:
                    lost.append(f"product {card} ({found[:20]})")
        return lost


def problem(answer: httpx.Response) -> str:
    """The code of a problem document, WRONG for anything else or for one that isn't as it should be."""
    try:
        code = str(answer.json()["code"])
    except (ValueError, KeyError, TypeError):
        return WRONG
    well_formed = answer.headers["Content-Type"] == "application/problem+json" and code in CODES
    told_when = answer.status_code != 429 or float(answer.headers.get("Retry-After", 0)) > 0
    return code if well_formed and CODES[code].http == answer.status_code and told_when else WRONG
