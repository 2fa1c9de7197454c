"""The service's products follow the catalogue: what is new or changed is sent, the rest is left alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

import httpx
import pytest

from tryon_service.client import Client, Retries
from tryon_service.errors import AccessError, InputError, TryonError, UnavailableError
from tryon_service.gateway.intake import read_form
from tryon_service.gateway.problems import MEDIA_TYPE, document
from tryon_service.onboarding.catalogue import Catalogue, parse_catalogue
from tryon_service.onboarding.sync import GIVE_UP, Synced, delete, missing_from, sync
from tryon_service.products.records import ProductRecord, photo_record

HEAD = "id,photos,views,rights_reference\n"
BAD = b"a photo that shows nobody"


@dataclass
class Service:
    """Keeps products as the real one does. failures: codes for the next calls that put, by id."""

    products: dict[str, dict[str, object]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)
    put: list[str] = field(default_factory=list)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        product_id = request.url.path.rpartition("/")[2]
        if request.method == "GET":
            rows = [self.products[name] for name in sorted(self.products)]
            return httpx.Response(200, json={"products": rows, "next_page_token": ""})
        if request.method == "DELETE":
            gone = self.products.pop(product_id, None)
            return httpx.Response(204) if gone else problem("unknown_product")
        if product_id in self.failures:
            return problem(self.failures[product_id])
        self.put.append(product_id)
        self.products[product_id] = self._kept(product_id, request)
        return httpx.Response(200, json=self.products[product_id])

    def _kept(self, product_id: str, request: httpx.Request) -> dict[str, object]:
        boundary = request.headers["Content-Type"].partition("boundary=")[2]
        texts, files = read_form(BytesIO(request.content), boundary)
        data = files.getlist("photos")
        assert texts["rights_confirmed"] == "true"
        views = [None if view == "unknown" else view for view in texts.getlist("views")] or [None] * len(data)
        records = tuple(photo_record(one, view) for one, view in zip(data, views, strict=True))  # type: ignore[arg-type]
        nobody = [{"code": "no_model_in_product", "photo": "", "part": "", "value": None, "limit": None}]
        photos = [
            {"sha256": record.sha256, "bytes": record.bytes, "view": record.view, "seen_view": None, "width": 0,
             "height": 0, "reasons": nobody if one == BAD else []}
            for record, one in zip(records, data, strict=True)
        ]  # fmt: skip
        digest = ProductRecord(product_id, records, texts["rights_reference"]).digest
        return {"id": product_id, "photos": photos, "rights_reference": texts["rights_reference"], "digest": digest,
                "created_at": 1, "updated_at": 1}  # fmt: skip


def problem(code: str) -> httpx.Response:
    body = document(code, request_id="r")
    return httpx.Response(body["status"], text=json.dumps(body), headers={"Content-Type": MEDIA_TYPE})


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    with Client("http://service", "key", retries=Retries(tries=1), transport=httpx.MockTransport(service)) as made:
        yield made


@dataclass
class Shop:
    """Photos by name; the catalogue's text is written anew for every run."""

    files: dict[str, bytes]

    def read(self, place: str, name: str) -> bytes:
        if place not in self.files:
            raise InputError("invalid_option", f"There is no file {place!r}.", name)
        return self.files[place]


@pytest.fixture
def shop() -> Shop:
    return Shop({"1.jpg": b"one", "2.jpg": b"two", "bad.jpg": BAD})


def catalogue(*rows: str) -> Catalogue:
    return parse_catalogue((HEAD + "\n".join(rows)).encode(), "catalogue.csv")


def run(client: Client, shop: Shop, *rows: str) -> list[Synced]:
    known = {product.id: product for product in client.list_products()}
    return list(sync(client, catalogue(*rows), known, shop.read))


def whats(done: list[Synced]) -> dict[str, str]:
    return {one.id: one.what for one in done}


ROWS = ("a,1.jpg,front,r1", "b,1.jpg|2.jpg,,r2", "c,2.jpg,unknown,r3")


def test_a_second_run_does_nothing(client: Client, shop: Shop, service: Service) -> None:
    assert whats(run(client, shop, *ROWS)) == dict.fromkeys("abc", "created")
    assert service.put == ["a", "b", "c"]
    assert whats(run(client, shop, *ROWS)) == dict.fromkeys("abc", "unchanged")
    assert service.put == ["a", "b", "c"]


@pytest.mark.parametrize(
    "changed", ["a,2.jpg,front,r1", "a,1.jpg,back,r1", "a,1.jpg,front,new", "a,1.jpg|2.jpg,front|unknown,r1"]
)
def test_what_has_changed_is_sent(client: Client, shop: Shop, service: Service, changed: str) -> None:
    run(client, shop, *ROWS)
    assert whats(run(client, shop, changed, *ROWS[1:])) == {"a": "replaced", "b": "unchanged", "c": "unchanged"}
    assert service.put[3:] == ["a"]
    assert whats(run(client, shop, changed, *ROWS[1:])) == dict.fromkeys("abc", "unchanged")


def test_a_file_whose_content_changed_is_sent(client: Client, shop: Shop) -> None:
    run(client, shop, *ROWS)
    shop.files["2.jpg"] = b"another two"
    assert whats(run(client, shop, *ROWS)) == {"a": "unchanged", "b": "replaced", "c": "replaced"}


def test_one_bad_card_is_told_and_the_others_are_brought(client: Client, shop: Shop, service: Service) -> None:
    service.failures["b"] = "no_person"
    done = run(client, shop, *ROWS, "d,none.jpg,,r", "e e,1.jpg,,r")
    assert whats(done) == {"a": "created", "b": "failed", "c": "created", "d": "failed", "e e": "failed"}
    errors = {one.id: one.error for one in done if one.error}
    assert {name: error.code for name, error in errors.items()} == {
        "b": "no_person", "d": "invalid_option", "e e": "invalid_option",
    }  # fmt: skip
    assert errors["d"].field == "photos[0]"
    assert {one.id: one.line for one in done} == {"a": 2, "b": 3, "c": 4, "d": 5, "e e": 6}


def test_a_run_that_broke_off_goes_on_where_it_was(client: Client, shop: Shop, service: Service) -> None:
    known = {product.id: product for product in client.list_products()}
    going = sync(client, catalogue(*ROWS), known, shop.read)
    assert next(going).what == "created"
    going.close()
    assert whats(run(client, shop, *ROWS)) == {"a": "unchanged", "b": "created", "c": "created"}
    assert service.put == ["a", "b", "c"]


def test_a_service_that_is_down_is_given_up(client: Client, shop: Shop, service: Service) -> None:
    rows = [f"p{number},1.jpg,,r" for number in range(9)]
    service.failures.update(dict.fromkeys(("p0", "p2", "p5", "p6", "p7", "p8"), "engine_unavailable"))
    done = []
    with pytest.raises(UnavailableError):
        done.extend(sync(client, catalogue(*rows), {}, shop.read))
    assert [one.what for one in done] == ["failed", "created", "failed", "created", "created", "failed", "failed"]
    assert GIVE_UP == 3


def test_a_host_that_is_down_is_no_reason_to_give_up(client: Client, shop: Shop) -> None:
    def read(place: str, name: str) -> bytes:
        if place.startswith("https"):
            raise UnavailableError("fetch_failed", "The host answered 500.", name)
        return shop.read(place, name)

    rows = [f"p{number},https://x.example/1.jpg,,r" for number in range(6)]
    done = list(sync(client, catalogue(*rows, "last,1.jpg,,r"), {}, read))
    assert [one.what for one in done] == ["failed"] * 6 + ["created"]


@pytest.mark.parametrize("code", ["unauthorized", "forbidden"])
def test_a_key_that_may_not_ends_it_at_once(client: Client, shop: Shop, service: Service, code: str) -> None:
    service.failures["a"] = code
    with pytest.raises(AccessError):
        list(sync(client, catalogue(*ROWS), {}, shop.read))


def test_photos_that_cannot_be_used_are_told_every_time(client: Client, shop: Shop) -> None:
    for what in ("created", "unchanged"):
        (one,) = run(client, shop, "a,1.jpg|bad.jpg,,r")
        assert one.what == what
        assert one.unusable is not None
        assert [(index, reasons[0].code) for index, reasons in one.unusable.items()] == [(1, "no_model_in_product")]


def test_what_the_catalogue_lacks_can_be_deleted(client: Client, shop: Shop, service: Service) -> None:
    run(client, shop, *ROWS)
    known = {product.id: product for product in client.list_products()}
    assert missing_from(catalogue(ROWS[1]), known) == ["a", "c"]
    del service.products["c"]
    assert [one.what for one in delete(client, ["a", "c"])] == ["deleted", "deleted"]
    assert sorted(service.products) == ["b"]


def test_nothing_is_missing_while_a_line_cannot_be_read(client: Client, shop: Shop) -> None:
    run(client, shop, *ROWS)
    known = {product.id: product for product in client.list_products()}
    assert missing_from(catalogue(ROWS[1], "a a,1.jpg,,r"), known) == []


def test_an_unknown_error_of_the_service_is_the_cards(client: Client, shop: Shop, service: Service) -> None:
    service.failures["a"] = "network_missing"
    done = run(client, shop, *ROWS)
    assert isinstance(done[0].error, TryonError)
    assert whats(done) == {"a": "failed", "b": "created", "c": "created"}
