"""Every line of a catalogue ends up in exactly one card, in its place; what is wrong with it is said there."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path

import pytest

from tryon_service.batch.catalogue import MAX_NAME, Card, Catalogue, check_id, folder_name
from tryon_service.errors import InputError
from tryon_service.products.records import MAX_PHOTOS


def written(folder: Path, text: str, name: str = "catalogue.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def cards(folder: Path, text: str, name: str = "catalogue.csv") -> list[Card]:
    return list(Catalogue(written(folder, text, name), "contract 7"))


def codes(card: Card) -> list[str]:
    return [photo.error.code if photo.error else "" for photo in card.photos]


def test_lines_of_a_product_make_a_card_wherever_they_stand(tmp_path: Path) -> None:
    text = "product_id,view,file,price\na,front,1.jpg,5\nb,,2.jpg,6\na,back,3.jpg,7\n"
    catalogue = Catalogue(written(tmp_path, text), "contract 7")
    first, second = catalogue
    assert [(card.number, card.product_id, card.rights_reference) for card in (first, second)] == [
        (1, "a", "contract 7"),
        (2, "b", "contract 7"),
    ]
    assert [(photo.line, photo.file, photo.view) for photo in first.photos] == [
        (2, "1.jpg", "front"),
        (4, "3.jpg", "back"),
    ]
    assert second.photos[0].view is None
    assert first.photos[1].columns == {"price": "7"}
    assert (catalogue.products, catalogue.lines, catalogue.columns) == (2, 3, ("price",))
    assert list(catalogue) == [first, second]


def test_a_line_may_be_a_card(tmp_path: Path) -> None:
    text = "id;photos;views;rights_reference\na;1.jpg|2.jpg;front|back;r1\nb;3.jpg;;r2\nc;4.jpg|5.jpg;front;r3\n"
    a, b, c = Catalogue(written(tmp_path, text))
    assert [(photo.file, photo.view) for photo in a.photos] == [("1.jpg", "front"), ("2.jpg", "back")]
    assert (a.rights_reference, b.photos[0].view, codes(b)) == ("r1", None, [""])
    assert codes(c) == ["invalid_option", "invalid_option"]


def test_forms_of_file_say_the_same(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    rows = [{"product_id": "a", "view": "front", "file": "ä.jpg", "n": 1}, {"product_id": "b", "file": "2.jpg"}]
    text = "\ufeffproduct_id\tview\tfile\tn\na\tfront\tä.jpg\t1\n\nb\t\t2.jpg\t\n"
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "c.parquet")
    lines = "\n".join(json.dumps(row) for row in rows)
    found = [
        [
            (card.product_id, card.photos[0].file, card.photos[0].view, card.photos[0].columns.get("n", ""))
            for card in made
        ]
        for made in (
            cards(tmp_path, text, "c.tsv"),
            cards(tmp_path, lines, "c.jsonl"),
            Catalogue(tmp_path / "c.parquet", "r"),
        )
    ]
    assert found[0] == found[1] == found[2] == [("a", "ä.jpg", "front", "1"), ("b", "2.jpg", None, "")]


def test_each_line_keeps_what_is_wrong_with_it(tmp_path: Path) -> None:
    text = (
        "product_id,view,file\n"
        "a,front,1.jpg\na,back,1.jpg\na,inside,2.jpg\na,,\n"  # duplicate, no such view, no photo
        ",front,3.jpg\n,front,4.jpg\n"  # two cards without an id
        "a/../b,front,5.jpg\n..,front,6.jpg\n"
        "c,front\n"
    )
    a, nameless, other, path, dots, short = cards(tmp_path, text)
    assert codes(a) == ["", "invalid_option", "invalid_option", "missing_field"]
    assert a.error is None
    assert "Line 2 has the same photo" in str(a.photos[1].error)
    assert [card.error and card.error.code for card in (nameless, other, path, dots, short)] == [
        "missing_field",
        "missing_field",
        "invalid_option",
        "invalid_option",
        "invalid_option",
    ]
    assert [photo.line for card in (a, nameless, other, path, dots, short) for photo in card.photos] == [*range(2, 11)]


def test_a_bad_line_of_json_is_one_card(tmp_path: Path) -> None:
    good = json.dumps({"product_id": "a", "file": "1.jpg"})
    first, second, third, fourth = cards(
        tmp_path, f"{good}\nnot json\n[1]\n{json.dumps({'file': '2.jpg'})}\n", "c.jsonl"
    )
    assert first.error is None
    assert [card.error and card.error.code for card in (second, third, fourth)] == [
        "invalid_option",
        "invalid_option",
        "missing_field",
    ]


def test_a_product_has_so_many_photos(tmp_path: Path) -> None:
    lines = "".join(f"a,,{number}.jpg\n" for number in range(MAX_PHOTOS + 2))
    (card,) = cards(tmp_path, "product_id,view,file\n" + lines)
    assert codes(card) == [""] * MAX_PHOTOS + ["invalid_option"] * 2


def test_rights_are_the_lines_or_the_runs(tmp_path: Path) -> None:
    text = "product_id,file,rights_reference\na,1.jpg,own\nb,2.jpg,\n"
    catalogue = Catalogue(written(tmp_path, text))
    assert catalogue.referenced
    own, none = catalogue
    assert (own.rights_reference, own.error) == ("own", None)
    assert none.error
    assert (none.error.code, none.error.field) == ("missing_field", "rights_reference")
    own, filled = Catalogue(written(tmp_path, text), "the run's")
    assert (own.rights_reference, filled.rights_reference, filled.error) == ("own", "the run's", None)
    assert not Catalogue(written(tmp_path, "product_id,file\na,1.jpg\n")).referenced


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("c.csv", b"", "no lines"),
        ("c.csv", b"product_id,file\n", "no lines"),
        ("c.csv", b"sku,file\n1,2\n", "it has sku, file"),
        ("c.csv", b"product_id,file,file\n1,2,3\n", "two columns 'file'"),
        ("c.csv", b"product_id,file\n\xff,1\n", "not UTF-8"),
        ("c.csv", b'product_id,file\n"a,1\n', "can't be read as CSV"),
        ("c.jsonl", b'{"sku": 1}\n', "it has sku"),
        ("c.parquet", b"PAR1 not at all", "can't be read as Parquet"),
        ("c.xlsx", b"", "is none of"),
    ],
)
def test_what_is_no_catalogue_is_named_before_any_work(tmp_path: Path, name: str, content: bytes, words: str) -> None:
    if name.endswith(".parquet"):
        pytest.importorskip("pyarrow")
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=words):
        Catalogue(tmp_path / name, "r")


def test_a_file_that_is_not_there_or_a_folder(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("none.csv", "folder.csv"):
        with pytest.raises(InputError, match="can't be read"):
            Catalogue(tmp_path / name, "r")


def test_a_limit_takes_the_first_products(tmp_path: Path) -> None:
    path = written(tmp_path, "product_id,file\na,1.jpg\nb,2.jpg\na,3.jpg\nc,4.jpg\n")
    catalogue = Catalogue(path, "r", limit=2)
    assert [card.product_id for card in catalogue] == ["a", "b"]
    assert (catalogue.products, catalogue.lines) == (2, 3)


@pytest.mark.parametrize("product_id", ["mh01", "A.b_c~d-e", "Größe-42", "कुर्ता", "衬衫"])
def test_ids_of_any_script_have_a_plain_folder(product_id: str) -> None:
    check_id(product_id)
    assert folder_name(product_id).isascii()
    assert not set(folder_name(product_id)) & set("/\\\0 ")


@pytest.mark.parametrize("product_id", ["", ".", "..", "a/b", "a b", "a\0", "a\\b", "%41", "x" * 129, "衬" * 30, "a\n"])
def test_other_ids_are_refused(product_id: str) -> None:
    with pytest.raises(InputError):
        check_id(product_id)


def test_folders_of_products_are_never_files_of_ours() -> None:
    names = ["report.html", "results.parquet", "poses.png", ".run", ".", ".."]
    made = [folder_name(name) for name in names]
    assert not set(made) & set(names)
    assert len(set(made)) == len(names)
    assert len(folder_name("x" * 128)) <= MAX_NAME


def test_memory_doesnt_grow_with_the_catalogue(tmp_path: Path) -> None:
    peaks = []
    for lines in (500, 5000):
        text = "product_id,file,name\n" + "".join(f"p{i % lines // 2},{i}.jpg,{'x' * 100}\n" for i in range(lines))
        path = written(tmp_path, text)
        del text
        tracemalloc.start()
        try:
            assert sum(1 for _ in Catalogue(path, "r")) == lines // 2
            peaks.append(tracemalloc.get_traced_memory()[1])
        finally:
            tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000
