"""After a thousand calls with marked photos, tokens and keys nothing of them is in logs, metrics, files or cores."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from canaries import Canary, Places, core_files, find
from real_service import DEADLINE, Service, family, form, put_product, render, running

SHORT, LONG = 60, 1000
"""Calls in the default run and with -m soak."""
SHOP = "https://shop.example"
PHOTO = Canary("photo", b"canary-photo-" + secrets.token_bytes(16))


def marked(photo: bytes, canary: Canary) -> bytes:
    """The same JPEG with a comment, and with bytes behind its end."""
    body = canary.marker
    return photo[:2] + b"\xff\xfe" + (len(body) + 2).to_bytes(2, "big") + body + photo[2:] + body


def calls(service: Service, http: httpx.Client, secret: list[Canary], shopper: bytes) -> Iterator[httpx.Response]:
    """One after the other, for ever: calls that work, and calls that fail in every part of the service. Adds what they
    are given to secret."""
    while True:
        pose = http.post("/v1/poses", files=form(shopper=shopper))
        yield pose
        token = pose.json()["pose"]
        secret.append(Canary("pose token", token.encode()))
        yield render(http, shopper=shopper, product_id="tee", consent_reference="c-1")
        yield render(http, pose=token, product_id="tee")
        minted = http.post("/v1/widget-tokens", json={"origin": SHOP, "all": True, "uses": 1})
        yield minted
        secret.append(Canary("widget token", minted.json()["token"].encode()))
        with service.http(minted.json()["token"]) as page:
            page.headers["Origin"] = SHOP
            yield render(page, pose=token, product_id="tee")
            yield render(page, pose=token, product_id="tee")
        link = http.post("/v1/render-urls", json={"pose": token, "product_ids": ["tee"]})
        yield link
        url = link.json()["links"][0]["url"]
        secret.append(Canary("signature", url.partition("sig=")[2].encode()))
        yield httpx.get(url, timeout=DEADLINE)
        yield httpx.get(url[:-6], timeout=DEADLINE)
        yield render(http, shopper=shopper[: len(shopper) // 2] + PHOTO.marker, product_id="tee")
        yield render(http, shopper=shopper, product_id="nobodys")
        yield render(http, pose=f"{token[:40]}x{token[41:]}", product_id="tee")
        yield http.post("/v1/renders", content=shopper)
        with service.http(f"{http.headers['Authorization'].removeprefix('Bearer ')}x") as stranger:
            yield render(stranger, shopper=shopper, product_id="tee")


def leave_no_trace(card: bytes, shopper: bytes, number: int) -> None:
    with running(TRYON_LOG_LEVEL="debug") as service:
        key = service.key()
        secret = [PHOTO, Canary("key", key.split("_", 2)[2].encode())]
        with service.http(key) as http:
            put_product(http, "tee", card)
            answers = calls(service, http, secret, marked(shopper, PHOTO))
            statuses = [next(answers).status_code for _ in range(number)]
            metrics = http.get("/metrics").text
        assert {200, 201, 400, 401, 403, 404, 415} <= set(statuses)
        assert max(statuses) < 500
        known = {canary.marker: canary for canary in secret}
        everyone = [pid for process in service.processes for pid in family(process.pid)]
        places = Places(texts={"metrics": metrics}, folders=[service.folder])
        assert find(places, list(known.values())) == []
        assert core_files([service.folder]) == []
        assert everyone, "nobody was searched"
        assert find(Places(processes=_readable(everyone)), list(known.values())) == []


def _readable(pids: list[int]) -> list[int]:
    """Those whose open files may be looked at; a worker that may leave no core hides them from all but root."""

    def open_to_us(pid: int) -> bool:
        try:
            return bool(list(Path(f"/proc/{pid}/fd").iterdir()))
        except PermissionError:
            return False

    return [pid for pid in pids if open_to_us(pid)]


def test_nothing_is_left(networks: None, card: bytes, shopper: bytes) -> None:
    leave_no_trace(card, shopper, SHORT)


@pytest.mark.soak
def test_nothing_is_left_after_a_thousand_calls(networks: None, card: bytes, shopper: bytes) -> None:
    leave_no_trace(card, shopper, LONG)
