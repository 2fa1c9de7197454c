"""Catalogue files as spreadsheets write them, and each way in which they can be wrong, with its line."""

from __future__ import annotations

import codecs

import pytest

from tryon_service.errors import InputError
from tryon_service.onboarding.catalogue import Catalogue, parse_catalogue

HEAD = "id,photos,views,rights_reference\n"


def parse(text: str, encoding: str = "utf-8") -> Catalogue:
    return parse_catalogue(text.encode(encoding), "catalogue.csv")


def test_a_card_with_all_it_may_have() -> None:
    (card,) = parse(HEAD + "shirt-1, a.jpg | https://x.example/b.jpg?w=1 ,Front|unknown,Vertrag § 7\n").cards
    assert (card.line, card.id, card.rights_reference) == (2, "shirt-1", "Vertrag § 7")
    assert card.photos == ("a.jpg", "https://x.example/b.jpg?w=1")
    assert card.views == ("front", None)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write(encoding: str, delimiter: str, end: str) -> None:
    lines = [["ID", "Photos", "Rights_Reference"], ["a", "ä.jpg", "r"], ["", "", ""], ["b", "b.jpg|c.jpg", "r"]]
    found = parse(end.join(delimiter.join(line) for line in lines), encoding)
    assert [(card.line, card.id, card.photos) for card in found.cards] == [
        (2, "a", ("ä.jpg",)),
        (4, "b", ("b.jpg", "c.jpg")),
    ]
    assert found.cards[1].views == (None, None)
    assert found.troubles == ()


def test_quoted_fields_may_hold_commas_and_lines() -> None:
    found = parse(HEAD + 'a,"x,1.jpg",,"contract\n7"\nb,y.jpg,,r\n')
    assert [(card.line, card.photos) for card in found.cards] == [(2, ("x,1.jpg",)), (4, ("y.jpg",))]


@pytest.mark.parametrize(
    ("row", "code", "field"),
    [
        (",a.jpg,,r", "missing_field", "id"),
        ("a b,a.jpg,,r", "invalid_option", "product_id"),
        ("..,a.jpg,,r", "invalid_option", "id"),
        ("a,,,r", "missing_field", "photos"),
        ("a, | ,,r", "missing_field", "photos"),
        (f"a,{'|'.join('abcdefghi')},,r", "invalid_option", "photos"),
        ("a,a.jpg|b.jpg,front,r", "invalid_option", "views"),
        ("a,a.jpg,sideways,r", "invalid_option", "views"),
        ("a,a.jpg,,", "missing_field", "rights_reference"),
        (f"a,a.jpg,,{'r' * 201}", "invalid_option", "rights_reference"),
        ("a,a.jpg,r", "invalid_option", ""),
        ("a,a.jpg,,r,more", "invalid_option", ""),
    ],
)
def test_a_bad_line_is_told_and_the_others_are_read(row: str, code: str, field: str) -> None:
    found = parse(f"{HEAD}first,1.jpg,,r\n{row}\nlast,2.jpg,,r\n")
    assert [card.id for card in found.cards] == ["first", "last"]
    (trouble,) = found.troubles
    assert trouble.line == 3
    assert (trouble.error.code, trouble.error.field) == (code, field)
    assert len(found) == 3


def test_an_id_may_come_once() -> None:
    found = parse(f"{HEAD}a,1.jpg,,r\nb,1.jpg,,r\na,2.jpg,,r\n")
    assert [card.id for card in found.cards] == ["a", "b"]
    assert found.troubles[0].line == 4
    assert found.troubles[0].error.detail == "Line 2 has the same id."


@pytest.mark.parametrize(
    ("data", "where", "says"),
    [
        (b"", "line 1", "no column 'id'"),
        (b"id;photos\n", "line 1", "no column 'rights_reference'"),
        (b"id,photos,rights_reference,price\n", "line 1", "'price' is none of"),
        (b"id,photos,photos,rights_reference\n", "line 1", "two columns 'photos'"),
        (HEAD.encode() + b"a,b,,c\nb,\xe4.jpg,,r\n", "line 3", "not UTF-8"),
        (codecs.BOM_UTF16_LE + HEAD.encode("utf-16-le"), "line 1", "not UTF-8"),
        (HEAD.encode("utf-16-le"), "catalogue.csv", "no text"),
        (HEAD.encode() + b'a,b,,r\nc,"d,,r\n', "line 3", "CSV"),
        (HEAD.encode() + b"a," + b"b" * 200_000 + b",,r\n", "line 2", "CSV"),
    ],
)
def test_what_is_no_catalogue_names_the_line(data: bytes, where: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        parse_catalogue(data, "catalogue.csv")
    assert caught.value.field.startswith("catalogue.csv")
    assert where in caught.value.field


def test_a_catalogue_without_cards_is_one() -> None:
    assert len(parse(HEAD)) == 0
