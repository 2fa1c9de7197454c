"""Records: checked when built, the same after a round trip, and a digest that changes with photos and views only."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.errors import InputError
from tryon_service.products.records import ProductRecord, check_product_id, check_store, photo_record, sha256_of
from tryon_service.types import Reason

FRONT = photo_record(b"front", "front", "three_quarter", (768, 1024), [Reason("blurred", "product[0]", "", 1.5, 2.0)])
BACK = photo_record(b"back", "back")
SHIRT = ProductRecord("shirt", (FRONT, BACK), "contract 17", 100, 200)


def test_a_record_comes_back_as_it_was() -> None:
    assert ProductRecord.from_json(SHIRT.to_json()) == SHIRT
    assert FRONT.sha256 == hashlib.sha256(b"front").hexdigest()
    assert (FRONT.bytes, FRONT.width, FRONT.height) == (5, 768, 1024)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "3", "{}", '{"photos":[]}', '{"photos":[{}]}', '{"photos":"ab"}', '{"photos":null}']
    + [json.dumps({**json.loads(SHIRT.to_json()), name: None}) for name in ("id", "photos", "rights_reference")]
    + [json.dumps({**json.loads(SHIRT.to_json()), "more": 1})],
)
def test_what_is_no_record_is_a_value_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        ProductRecord.from_json(text)


def test_the_digest_is_of_photos_views_and_their_order() -> None:
    same = [
        replace(SHIRT, id="coat", rights_reference="contract 18", created_at=5, updated_at=6),
        replace(SHIRT, photos=(replace(FRONT, seen_view=None, reasons=(), width=1), BACK)),
    ]
    assert {record.digest for record in same} == {SHIRT.digest}
    others = [
        replace(SHIRT, photos=(BACK, FRONT)),
        replace(SHIRT, photos=(FRONT,)),
        replace(SHIRT, photos=(FRONT, FRONT, BACK)),
        replace(SHIRT, photos=(replace(FRONT, view=None), BACK)),
        replace(SHIRT, photos=(replace(FRONT, sha256="0" * 64), BACK)),
    ]
    digests = {record.digest for record in others}
    assert len(digests) == len(others)
    assert SHIRT.digest not in digests
    # Known, so that a later version doesn't change every product's digest unawares.
    assert SHIRT.digest == sha256_of(f'[["{sha256_of(b"front")}", "front"], ["{sha256_of(b"back")}", "back"]]'.encode())


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"id": ""}, "invalid_option", "product_id"),
        ({"photos": ()}, "missing_field", "photos"),
        ({"photos": (FRONT,) * 9}, "invalid_option", "photos"),
        ({"rights_reference": ""}, "missing_field", "rights_reference"),
        ({"rights_reference": "  \n"}, "missing_field", "rights_reference"),
        ({"rights_reference": "x" * 201}, "invalid_option", "rights_reference"),
    ],
)
def test_nonsense_is_named(change: dict[str, object], code: str, field: str) -> None:
    with pytest.raises(InputError) as caught:
        replace(SHIRT, **change)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == (code, field)


def test_the_limits_themselves_are_allowed() -> None:
    replace(SHIRT, id="x" * 128, photos=(FRONT,) * 8, rights_reference="x" * 200)
    check_store("x" * 64)


@pytest.mark.parametrize("change", [{"sha256": "abc"}, {"sha256": "A" * 64}, {"view": "top"}, {"seen_view": ""}])
def test_a_photo_of_nonsense_is_named(change: dict[str, str]) -> None:
    with pytest.raises(InputError) as caught:
        replace(FRONT, **change)  # type: ignore[arg-type]
    assert (caught.value.code, caught.value.field) == ("invalid_option", next(iter(change)))


@pytest.mark.parametrize("product_id", ["", "x" * 129, "a/b", "a b", "a\n", "ä", "a:b", "a\0", "%2e"])
def test_an_impossible_product_id_is_named(product_id: str) -> None:
    with pytest.raises(InputError, match="1 to 128") as caught:
        check_product_id(product_id)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "product_id")


@pytest.mark.parametrize("store", ["", "x" * 65, "A", "a.b", "a/b", "a\n", "..", "ü"])
def test_an_impossible_store_is_named(store: str) -> None:
    with pytest.raises(InputError, match="1 to 64") as caught:
        check_store(store)
    assert (caught.value.code, caught.value.field) == ("invalid_option", "store")


@given(st.text(max_size=130))
def test_only_the_allowed_characters_pass(text: str) -> None:
    allowed = set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._~-")
    try:
        check_product_id(text)
    except InputError:
        assert not 1 <= len(text) <= 128 or not set(text) <= allowed
    else:
        assert 1 <= len(text) <= 128
        assert set(text) <= allowed
