"""What a shop calls, in the shares that shops do, and whether each answer was right.

CALLS[kind](shop, client, dice) returns OK, the code that the service answered with, or what became of the connection.
"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import random
from collections.abc import Awaitable, Callable

import httpx

from tests.real_service import form
from tests.reliability.people import CARDS, SHOPPERS
from tests.reliability.shop import CHANGING, HOUSE_POSES, OK, RIGHTS, STORE, TIMEOUT, WRONG, Shop, problem
from tryon_service.errors import TryonError
from tryon_service.pb import tryon_pb2 as pb

PAGES = 3
"""Times that a shop has asked for a token and links before the first call counts."""

Kind = Callable[[Shop, httpx.AsyncClient, random.Random], Awaitable[str]]


async def photo(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """A shopper's photo and a product's id."""
    return await shop.photo_of(client, *dice.choice(shop.pairs))


async def analyse(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """A pose token for a shopper's photo."""
    shopper = dice.choice(shop.pairs)[0]
    parts = form(shopper=shop.people.shoppers[shopper])
    answer = await shop.ask(client, "POST", "/v1/poses", files=parts)
    if answer.status_code != 200:
        return problem(answer)
    shop.poses.append((shopper, answer.json()["pose"]))
    return OK


async def posed(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """A token and a product's id: the same picture as with the photo."""
    shopper, pose = dice.choice(shop.poses)
    card = dice.choice([card for one, card in shop.pairs if one == shopper])
    parts = form(pose=pose, product_id=card, min_verdict="doubtful")
    return shop.judged((shopper, card), await shop.ask(client, "POST", "/v1/renders", files=parts))


async def sign(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """Links for a listing, mostly in a house pose."""
    shopper, pose = dice.choice([*((0, pose) for pose in HOUSE_POSES), dice.choice(shop.poses)])
    cards = sorted({card for _, card in shop.pairs})
    asked = {"pose": pose, "product_ids": cards}
    answer = await shop.ask(client, "POST", "/v1/render-urls", json=asked)
    if answer.status_code != 200:
        return problem(answer)
    who = pose if pose in HOUSE_POSES else shopper
    for link in answer.json()["links"]:
        path = "/" + link["url"].split("/", 3)[3]
        shop.links.append((("link", who, link["product_id"]), path))
    return OK


async def listed(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """The picture behind a link."""
    what, path = dice.choice(shop.links)
    return shop.judged(what, await shop.ask(client, "GET", path))


async def over_grpc(shop: Shop, _: httpx.AsyncClient, dice: random.Random) -> str:
    """A render by the engine's own protocol, with the patience of our own client."""
    shopper, card = dice.choice(shop.pairs)
    request = pb.RenderRequest(photo=shop.people.shoppers[shopper], product_id=card)

    def render() -> str:
        try:
            answer = shop.engine.render(request, store=STORE, timeout=TIMEOUT)
        except TryonError as error:
            return error.code
        return shop.compared((shopper, card), answer.image)

    return await asyncio.get_running_loop().run_in_executor(shop.threads, render)


async def put(shop: Shop, client: httpx.AsyncClient, card: str, image: bytes) -> str:
    """One product, put or replaced; what it may be from then on is noted."""
    digest = hashlib.sha256(image).hexdigest()
    before = shop.cards.get(card, {""})
    shop.cards[card] = before | {digest}
    parts = form(photos=image, **RIGHTS)
    answer = await shop.ask(client, "PUT", f"/v1/products/{card}", files=parts)
    if answer.status_code not in (200, 201):
        if answer.status_code < 500:
            shop.cards[card] = before
        return problem(answer)
    shop.cards[card] = {digest}
    return OK if answer.json()["photos"][0]["sha256"] == digest else WRONG


async def change(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """Put a product with another photo or, now and then, delete it; never one that another call is at."""
    card = dice.choice([card for card in CHANGING if card not in shop.busy] or [f"spare-{len(shop.busy)}"])
    shop.busy.add(card)
    try:
        if shop.cards.get(card, {""}) != {""} and dice.random() < 0.25:
            return await delete(shop, client, card)
        return await put(shop, client, card, dice.choice(shop.people.changes))
    finally:
        shop.busy.discard(card)


async def delete(shop: Shop, client: httpx.AsyncClient, card: str) -> str:
    before = shop.cards[card]
    shop.cards[card] = before | {""}
    answer = await shop.ask(client, "DELETE", f"/v1/products/{card}")
    if answer.status_code == 204 or (problem(answer) == "unknown_product" and "" in before):
        shop.cards[card] = {""}
        return OK
    return problem(answer)


async def look(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """At one of the products that stay, or at all of them."""
    card = dice.choice(shop.pairs)[1]
    one = dice.random() < 0.5
    answer = await shop.ask(client, "GET", f"/v1/products/{card}" if one else "/v1/products?page_size=100")
    if answer.status_code != 200:
        return problem(answer)
    found = [answer.json()] if one else answer.json()["products"]
    return OK if card in [product["id"] for product in found] else WRONG


async def mint(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """A widget token for a page."""
    asked = {"origin": "https://shop.example", "product_ids": [dice.choice(shop.pairs)[1]]}
    answer = await shop.ask(client, "POST", "/v1/widget-tokens", json=asked)
    return OK if answer.status_code == 201 else problem(answer)


async def probe(shop: Shop, client: httpx.AsyncClient, dice: random.Random) -> str:
    """As an orchestrator looks whether the service lives and works."""
    answer = await shop.ask(client, "GET", dice.choice(("/healthz", "/readyz")))
    return OK if answer.status_code == 200 else problem(answer)


async def scrape(shop: Shop, client: httpx.AsyncClient, _: random.Random) -> str:
    answer = await shop.ask(client, "GET", "/metrics")
    return OK if answer.status_code == 200 and "tryon_http_requests_total" in answer.text else WRONG


async def prepare(shop: Shop) -> None:
    """Put the cards, and find which pairs can be rendered. Raises AssertionError where none can."""
    async with shop.client() as client:
        for image in shop.people.cards:
            if len(shop.cards) < CARDS and await put(shop, client, f"card-{len(shop.cards)}", image) != OK:
                shop.cards.popitem()
        for pair in itertools.product(range(len(shop.people.shoppers)), list(shop.cards)):
            if len(shop.pairs) < CARDS * SHOPPERS and await shop.photo_of(client, *pair) == OK:
                shop.pairs.append(pair)
        assert shop.pairs, "no shopper's photo goes with any card"
        for image in shop.people.changes[:]:
            if await put(shop, client, CHANGING[0], image) != OK:
                shop.people.changes.remove(image)
        assert shop.people.changes, "no photo can be put in another's place"
        for _ in range(PAGES):
            assert await analyse(shop, client, random.Random(0)) == OK
            assert await sign(shop, client, random.Random(len(shop.links))) == OK


CALLS: dict[str, Kind] = {
    "photo": photo, "pose": analyse, "posed": posed, "sign": sign, "listed": listed, "grpc": over_grpc,
    "change": change, "look": look, "mint": mint, "probe": probe, "scrape": scrape,
}  # fmt: skip
SHOP_MIX = {
    "photo": 22.0, "pose": 6.0, "posed": 12.0, "sign": 5.0, "listed": 24.0, "grpc": 6.0,
    "change": 3.0, "look": 6.0, "mint": 4.0, "probe": 9.0, "scrape": 3.0,
}  # fmt: skip
"""Shares of the calls, in percent."""
COMPUTED = frozenset({"photo", "posed"})
"""Kinds whose picture is computed for the call and comes through everything: gateway, engine and worker."""
