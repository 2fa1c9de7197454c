"""Catalogues as shops have them: with words and prices, or nothing but a list of photos."""

from __future__ import annotations

import pytest

from tryon_service.errors import InputError
from tryon_service.onboarding.catalogue import Catalogue
from tryon_service.shop.catalogue import PLAIN_REFERENCE, Item, parse_shop_catalogue
from tryon_service.shop.drawn import MODELS, draw_catalogue

HEAD = "id,photos,rights_reference,title,title_ru,price,sizes,description\n"


def parse(text: str) -> Catalogue:
    return parse_shop_catalogue(text.encode(), "catalogue.csv")


def item(text: str) -> Item:
    (card,) = parse(text).cards
    return Item(card, (), True)


def test_words_price_and_sizes_are_those_of_the_catalogue() -> None:
    tee = item(HEAD + 'tee,1.jpg,r,Tee,Футболка,29 €,S| M |L,"Soft, heavy."\n')
    assert (tee.id, tee.price, tee.sizes) == ("tee", "29 €", ("S", "M", "L"))
    assert (tee.title("en"), tee.title("ru")) == ("Tee", "Футболка")
    assert (tee.description("en"), tee.description("ru")) == ("Soft, heavy.", "Soft, heavy.")


def test_a_shop_may_have_no_words_at_all() -> None:
    bare = item("id,photos,rights_reference\ntee,1.jpg,r\n")
    assert (bare.title("ru"), bare.description("en"), bare.price, bare.sizes) == ("tee", "", "", ())


def test_a_list_of_photos_becomes_cards() -> None:
    found = parse("product_id,view,file\na,front,a1.jpg\nb,,b.jpg\na,back,a2.jpg\n")
    assert [(card.line, card.id, card.photos, card.views) for card in found.cards] == [
        (2, "a", ("a1.jpg", "a2.jpg"), ("front", "back")),
        (3, "b", ("b.jpg",), (None,)),
    ]
    assert {card.rights_reference for card in found.cards} == {PLAIN_REFERENCE}


def test_a_list_of_photos_may_say_more() -> None:
    found = parse("product_id,file,title,rights_reference\na,1.jpg,Tee,contract 7\na,2.jpg,,\n")
    assert (found.cards[0].more["title"], found.cards[0].rights_reference) == ("Tee", "contract 7")


@pytest.mark.parametrize(
    ("row", "field"),
    [("a b,front,1.jpg", "product_id"), (",front,1.jpg", "id"), ("a,front,", "photos"), ("a,sideways,1.jpg", "views")],
)
def test_a_bad_photo_is_told_with_its_line(row: str, field: str) -> None:
    found = parse(f"product_id,view,file\nfirst,front,1.jpg\n{row}\n")
    assert [card.id for card in found.cards] == ["first"]
    assert (found.troubles[0].line, found.troubles[0].error.field) == (3, field)


def test_other_columns_are_refused() -> None:
    with pytest.raises(InputError, match=r"'colour' is none of .*title") as caught:
        parse("id,photos,rights_reference,colour\n")
    assert caught.value.field == "catalogue.csv line 1"


def test_the_drawn_catalogue_is_whole(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tryon_service.shop.drawn.SIZE", (96, 128))
    file = draw_catalogue(tmp_path / "drawn")
    found = parse_shop_catalogue(file.read_bytes(), file.name)
    assert found.troubles == ()
    assert [card.id for card in found.cards] == list(MODELS)
    for card in found.cards:
        assert all(card.more.values()), f"{card.id} lacks words"
        assert all((file.parent / photo).is_file() for photo in card.photos)
