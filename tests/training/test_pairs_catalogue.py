"""Catalogues become pairs of one person in one outfit; a build goes on where it was interrupted."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from drawn_photos import SIZE, Album, Inline, files

from tryon_service.errors import InputError
from tryon_service.figures import OUTFITS, Outfit
from tryon_service.imaging.decode import decode
from tryon_service.training import pairs
from tryon_service.training.pair_sources import CataloguePhoto, CatalogueSource
from tryon_service.training.pairs import HELD, build_pairs, held_back
from tryon_service.training.portraits import MANIFEST, Pair, PortraitManifest, PortraitSet, open_portraits
from tryon_service.training.shards import Split

TEE, TANK = OUTFITS["print_tee"], OUTFITS["tank_shorts"]
BLUE = replace(TANK, top_colour=(44, 70, 150))
Pool = Callable[..., Inline]


@pytest.fixture
def photo(album: Album, tmp_path: Path) -> Callable[..., CataloguePhoto]:
    def drawn(owner: str, pose: str, outfit: Outfit, model: str = "") -> CataloguePhoto:
        path = tmp_path / "photos" / owner / f"{pose}.png"
        album.draw(path, pose, outfit)
        return CataloguePhoto(f"{owner}/{pose}", owner, path, "front", model)

    return drawn


def built(source: CatalogueSource, out: Path) -> tuple[PortraitManifest, dict[Split, set[tuple[str, str, str]]]]:
    out.mkdir(exist_ok=True)
    manifest = build_pairs(source, out, SIZE)
    people = open_portraits(out)
    sides: tuple[Split, Split] = ("train", "held")
    return manifest, {side: {(p.source, p.target, p.kind) for p in people.pairs(side)} for side in sides}


def test_two_photos_of_a_product_are_pairs_both_ways_and_each_with_itself(
    photo: Callable[..., CataloguePhoto], pool: Pool, tmp_path: Path
) -> None:
    source = CatalogueSource((photo("tee", "standing", TEE), photo("tee", "arms_out", TEE)))
    _, found = built(source, tmp_path / "out")
    assert found["train"] == {
        ("tee/standing", "tee/standing", "self"),
        ("tee/arms_out", "tee/arms_out", "self"),
        ("tee/standing", "tee/arms_out", "views"),
        ("tee/arms_out", "tee/standing", "views"),
    }
    person = open_portraits(tmp_path / "out").read("tee/arms_out")
    assert (person.size, person.owner, person.view, person.source) == (SIZE, "tee", "front", "catalogue")
    assert person.matte.max() == 255
    # The frame is the body's: what is seen of it fills most of the height or the width.
    rows, columns = (person.matte > 127).any(axis=1), (person.matte > 127).any(axis=0)
    assert max(rows.mean(), columns.mean()) > 0.75


def test_other_garments_other_models_and_what_is_no_photo_are_left_out_by_name(
    photo: Callable[..., CataloguePhoto], pool: Pool, tmp_path: Path
) -> None:
    (tmp_path / "text.png").write_bytes(b"no photo")
    lines = (
        photo("colour", "standing", TANK),
        photo("colour", "arms_out", BLUE),
        photo("model", "standing", TEE, "anna"),
        photo("model", "arms_out", TEE, "berta"),
        CataloguePhoto("model/gone", "model", tmp_path / "gone.png", model="anna"),
        CataloguePhoto("model/text", "model", tmp_path / "text.png", model="anna"),
        CataloguePhoto("line 7", "line 7", tmp_path, code="missing_field"),
    )
    manifest, found = built(CatalogueSource(lines), tmp_path / "out")
    assert manifest.dropped == {"model/gone": "not_found", "model/text": "not_an_image", "line 7": "missing_field"}
    assert manifest.dropped_pairs == {
        "colour/standing > colour/arms_out": "other_garment",
        "model/standing > model/arms_out": "other_model",
    }
    assert {kind for pairs in found.values() for _, _, kind in pairs} == {"self"}


def test_what_the_verdict_refuses_as_a_card_gives_no_portrait(
    photo: Callable[..., CataloguePhoto], pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tryon_service.verdict.MIN_GARMENT_SHARE", 1.0)
    manifest, _ = built(CatalogueSource((photo("tee", "standing", TEE),)), tmp_path / "out")
    assert manifest.dropped == {"tee/standing": "garment_not_visible"}


@pytest.fixture
def many(photo: Callable[..., CataloguePhoto]) -> CatalogueSource:
    """Twelve products with two photos each."""
    return CatalogueSource(
        tuple(photo(f"tee-{n:02d}", pose, TEE) for n in range(12) for pose in ("standing", "arms_out"))
    )


def test_a_product_is_on_one_side_and_a_limit_takes_whole_products(
    many: CatalogueSource, pool: Pool, tmp_path: Path
) -> None:
    shots = many.shots()
    sides = {shot.owner: {other.split for other in shots if other.owner == shot.owner} for shot in shots}
    assert all(len(side) == 1 for side in sides.values())
    assert len({shot.owner for shot in shots if shot.split == "held"}) == round(HELD * 12) == 1
    few = replace(many, limit=3).shots()
    assert len(few) == 6
    assert {shot.split for shot in few} == {"train", "held"}
    assert len(replace(many, per_owner=1).shots()) == 12


def test_adding_products_leaves_those_on_the_training_side_mostly_there() -> None:
    names = [f"product-{n}" for n in range(200)]
    before, after = held_back(names[:100]), held_back(names)
    assert len(before) == 10
    assert len(after) == 20
    assert held_back(names[:1]) == frozenset()


@pytest.mark.parametrize(("stop_after", "left"), [(0, 24), (12, 14), (23, 6)])
def test_an_interrupted_build_goes_on_to_the_same_dataset(
    many: CatalogueSource, pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stop_after: int, left: int
) -> None:
    monkeypatch.setattr(pairs, "SHARD", 8)
    built(many, tmp_path / "whole")
    pool(stop_after)
    with pytest.raises(KeyboardInterrupt):
        built(many, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.part"))
    with pytest.raises(InputError, match="isn't finished"):
        open_portraits(tmp_path / "out")
    rest = pool()
    built(many, tmp_path / "out")
    assert files(tmp_path / "out") == files(tmp_path / "whole")
    assert rest.made == left
    nothing = pool(0)
    built(many, tmp_path / "out")
    assert nothing.made == 0


def test_a_changed_shard_is_said_and_made_again(
    many: CatalogueSource, pool: Pool, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    built(many, tmp_path / "out")
    before = files(tmp_path / "out")
    (tmp_path / "out" / "held-00000.zip").write_bytes(before["held-00000.zip"][:-1])
    again = pool()
    built(many, tmp_path / "out")
    assert files(tmp_path / "out") == before
    assert again.made == 2
    assert "held-00000.zip" in caplog.text


def test_a_shard_of_other_photos_is_made_again(many: CatalogueSource, pool: Pool, tmp_path: Path) -> None:
    built(many, tmp_path / "out")
    fewer = replace(many, photos=many.photos[:-1])
    _, found = built(fewer, tmp_path / "out")
    assert many.photos[-1].name not in {name for side in found.values() for name, _, _ in side}


def test_other_options_or_other_code_are_named(many: CatalogueSource, pool: Pool, tmp_path: Path) -> None:
    built(many, tmp_path / "out")
    with pytest.raises(InputError, match="'limit': 3") as caught:
        built(replace(many, limit=3), tmp_path / "out")
    assert caught.value.field == "--out"
    with pytest.raises(InputError, match=r"\[22, 32\]"):
        build_pairs(many, tmp_path / "out", (22, 32))
    value = json.loads((tmp_path / "out" / MANIFEST).read_text())
    (tmp_path / "out" / MANIFEST).write_text(json.dumps(value | {"code": "fedcba9876543210"}))
    with pytest.raises(InputError, match="fedcba9876543210"):
        built(many, tmp_path / "out")


def test_a_person_posed_by_the_renderer_is_a_source_for_the_photo(
    album: Album, photo: Callable[..., CataloguePhoto], pool: Pool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tryon_service.training.pair_sources.elsewhere",
        lambda analyst, path, name, view, poses, rng: album.perceive(decode(path.read_bytes())),
    )
    source = CatalogueSource((photo("tee", "standing", TEE),), there_and_back=True)
    _, found = built(source, tmp_path / "out")
    assert found["train"] == {
        ("tee/standing", "tee/standing", "self"),
        ("tee/standing~posed", "tee/standing", "there_and_back"),
    }


def test_pairs_are_listed_in_the_same_order_each_time(many: CatalogueSource, pool: Pool, tmp_path: Path) -> None:
    manifest, _ = built(many, tmp_path / "out")
    people = PortraitSet(tmp_path / "out", manifest)
    assert many.pairs(people, "train")[0] == people.pairs("train")
    assert people.pairs("train")[0] == Pair(people.portraits("train")[0], people.portraits("train")[0], "self")
