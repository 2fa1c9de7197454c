"""The shop's pages: what is on them, in both languages, under a strict policy."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from tryon_service.shop.app import TEXTS

POLICY = {
    "default-src": "'none'",
    "script-src": "https://tryon.example",
    "connect-src": "'self' https://tryon.example",
    "img-src": "'self' https://tryon.example blob:",
    "style-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'none'",
    "frame-ancestors": "'none'",
}


def page(client: FlaskClient, path: str, status: int = 200) -> str:
    answer = client.get(path)
    assert answer.status_code == status
    return answer.text


def test_the_listing_shows_every_product_and_marks_those_that_can_be_tried_on(browser_of_shop: FlaskClient) -> None:
    text = page(browser_of_shop, "/")
    assert re.findall(r'href="/p/(\w+)"', text) == ["tee", "dress", "lost"]
    assert re.findall(r'data-tryon-product="(\w+)"', text) == ["tee", "dress"]
    assert "Star &lt;tee&gt;" in text
    assert "No photo yet" in text
    tag = '<script src="https://tryon.example/widget/v1/tryon.js" async data-token-url="/tryon-token"></script>'
    assert tag in text


def test_a_product_page_has_the_card_with_its_own_photo(browser_of_shop: FlaskClient) -> None:
    text = page(browser_of_shop, "/p/tee")
    card = re.search(r'<try-on-card product="tee">(<img .*?>)</try-on-card>', text, re.DOTALL)
    assert card
    assert 'src="/pictures/tee-0-192.jpg"' in card[1]
    assert 'width="192" height="256" alt="Star &lt;tee&gt;"' in card[1]
    assert "/pictures/tee-1-192.jpg" in text, "the other photo is below"
    assert re.findall(r'data-tryon-product="(\w+)"', text) == ["dress"]
    assert "29 €" in text
    assert re.findall(r'name="size" value="(\w+)"', text) == ["S", "M"]


def test_what_cannot_be_tried_on_has_no_card(browser_of_shop: FlaskClient) -> None:
    assert "<try-on-card" not in page(browser_of_shop, "/p/lost")


def test_language_and_look_stay_with_the_links(browser_of_shop: FlaskClient) -> None:
    text = page(browser_of_shop, "/p/tee?lang=ru&theme=dark")
    assert '<html lang="ru" data-theme="dark">' in text
    assert '<try-on-card product="tee" theme="dark">' in text
    assert 'href="/p/dress?lang=ru&amp;theme=dark"' in text
    assert 'href="/p/tee?lang=en&amp;theme=dark"' in text
    assert "Звезда" in text
    assert '<html lang="en">' in page(browser_of_shop, "/?lang=tlh&theme=neon")


def test_both_languages_say_the_same(browser_of_shop: FlaskClient) -> None:
    assert TEXTS["en"].keys() == TEXTS["ru"].keys()
    for path in ("/", "/p/tee", "/nowhere"):
        russian = browser_of_shop.get(f"{path}?lang=ru").text
        for key, words in TEXTS["en"].items():
            assert words in (TEXTS["ru"][key], "Fig & Field") or f">{words}<" not in russian, key


@pytest.mark.parametrize(
    "path", ["/", "/p/tee", "/nowhere", "/p/unknown", "/pictures/tee-0-192.jpg", "/static/shop.css"]
)
def test_everything_comes_with_the_policy(browser_of_shop: FlaskClient, path: str) -> None:
    answer = browser_of_shop.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert dict(line.split(" ", 1) for line in policy.split("; ")) == POLICY
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    answer.close()


@pytest.mark.parametrize("path", ["/", "/p/tee", "/p/lost", "/nowhere"])
def test_pages_need_nothing_that_the_policy_forbids(browser_of_shop: FlaskClient, path: str) -> None:
    text = browser_of_shop.get(path).text
    assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<form", text)
    assert re.findall(r"<script(?! src=)", text) == []


def test_pictures_are_on_the_shelf_and_nothing_beside_it(browser_of_shop: FlaskClient) -> None:
    answer = browser_of_shop.get("/pictures/tee-0-192.jpg")
    assert answer.content_type == "image/jpeg"
    assert answer.data.startswith(b"\xff\xd8")
    answer.close()
    assert browser_of_shop.get("/pictures/%2e%2e/conftest.py").status_code == 404


def test_a_page_under_another_name_leads_to_the_shops_own(browser_of_shop: FlaskClient) -> None:
    answer = browser_of_shop.get("/p/tee?lang=ru", headers={"Host": "127.0.0.1:8000"})
    assert (answer.status_code, answer.location) == (308, "http://localhost/p/tee?lang=ru")
    assert browser_of_shop.get("/", headers={"Host": "127.0.0.1"}).location == "http://localhost/"


def test_unknown_pages_are_said_to_be(browser_of_shop: FlaskClient) -> None:
    assert "gone for a walk" in page(browser_of_shop, "/nowhere", 404)
    assert "ушла гулять" in page(browser_of_shop, "/p/unknown?lang=ru", 404)
