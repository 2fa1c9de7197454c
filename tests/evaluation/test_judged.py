"""Judging by eye: the draw, the labels, the fit, and the labels of this repository."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tryon_service import quality, verdict
from tryon_service.cli import judge
from tryon_service.errors import InputError
from tryon_service.evaluation.judged import JUDGED
from tryon_service.evaluation.judging.calibrate import Judged, calibrate, to_toml
from tryon_service.evaluation.judging.draw import NEAR_DUPLICATES, Pair, draw, kind, original, split
from tryon_service.evaluation.judging.fingerprint import BLOCK, Fingerprint, fingerprint, read_fingerprint
from tryon_service.evaluation.judging.fit import at, choose_threshold, curve, fit, held_out, wilson_lower
from tryon_service.evaluation.judging.labels import Label, kappa, read_labels, write_labels
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline
from tryon_service.quality.table import Table, parse_table

SIZE = (240, 320)


# The labels of this repository


JUDGED_RENDERERS = sorted(path.name for path in JUDGED.iterdir())


@cache
def todays(renderer: str) -> Fingerprint:
    return fingerprint(Pipeline(renderer=renderer))


def test_every_table_has_its_labels() -> None:
    tables = sorted(path.stem for path in (Path(quality.__file__).parent / "tables").iterdir())
    assert tables == JUDGED_RENDERERS
    assert all(quality.table(name) for name in tables)
    assert quality.table("nobody's") is None


@pytest.mark.parametrize("renderer", JUDGED_RENDERERS)
def test_the_labels_are_of_todays_renderer(renderer: str) -> None:
    """Skips, and says so, when the renderer has moved on: then the verdict rests on old pictures until new ones are
    judged."""
    stored = read_fingerprint(JUDGED / renderer / "fingerprint.json")
    assert {label.renderer_digest for label in read_labels(JUDGED / renderer / "labels.csv")} == {stored.digest}
    fitted = quality.table(renderer)
    assert fitted is not None
    assert fitted.renderer == stored.digest, "the weights were fitted to other labels than these"
    today = todays(renderer)
    if not stored.same_as(today):
        pytest.skip(f"the labels belong to renderer {stored.digest}, today's is {today.digest}: judge anew")


@pytest.mark.parametrize("renderer", JUDGED_RENDERERS)
def test_no_product_and_no_shopper_is_in_both_sets(renderer: str) -> None:
    labels = read_labels(JUDGED / renderer / "labels.csv")
    calibration, check = ([one for one in labels if one.set == side] for side in ("calibration", "check"))
    assert len(labels) >= 200
    for name in (lambda one: one.product.partition("_")[0], lambda one: original(one.shopper)):
        assert not {name(one) for one in calibration} & {name(one) for one in check}


# The draw


def made_up(cards: int = 12, shoppers: int = 20) -> list[Pair]:
    rng = np.random.default_rng(0)
    names = [f"mh{index:02d}" for index in range(cards)], [f"{index:04d}" for index in range(shoppers)]
    sides = [split(one, rng) for one in names]
    return [
        Pair(f"{card}_front", shopper, sides[0][card], f"view{int(shopper) % 3}", 5.0, 10.0, 1.0)
        for card in names[0]
        for shopper in names[1]
        if sides[0][card] == sides[1][shopper]
    ]


def test_near_duplicates_stay_on_one_side() -> None:
    names = [*NEAR_DUPLICATES, *NEAR_DUPLICATES.values(), "0001", "0002"]
    for seed in range(5):
        sides = split(names, np.random.default_rng(seed), original)
        assert all(sides[twin] == sides[first] for twin, first in NEAR_DUPLICATES.items())


def test_a_draw_spreads_over_strata_products_and_shoppers() -> None:
    drawn = draw(made_up(), 60, np.random.default_rng(1))
    assert draw(made_up(), 60, np.random.default_rng(1)) == drawn
    assert 55 <= len(drawn) <= 65
    assert len({(pair.product, pair.shopper) for pair in drawn}) == len(drawn)
    assert {pair.stratum for pair in drawn} == {"view0", "view1", "view2"}
    uses = np.unique([pair.product for pair in drawn], return_counts=True)[1]
    assert uses.max() <= 3 * uses.min()
    assert sum(pair.weight for pair in drawn) == pytest.approx(len(made_up()), rel=0.02)


@pytest.mark.parametrize(
    ("product", "worn"), [("mh01", "top"), ("wsh04", "bottom"), ("mp01", "bottom"), ("ws10", "top")]
)
def test_ids_of_the_catalogue_tell_tops_from_bottoms(product: str, worn: str) -> None:
    assert kind(product) == worn


# Labels


def label(product: str = "mh01_front", judge1: str = "yes", judge2: str = "yes", side: str = "check") -> Label:
    return Label(product, "0001", side, judge1, judge2, "digest")  # type: ignore[arg-type]


def test_labels_survive_the_file(tmp_path: Path) -> None:
    labels = [label("b"), label("a", "no torn_arm", "no seam"), label("a", side="calibration")]
    write_labels(tmp_path / "labels.csv", labels)
    assert set(read_labels(tmp_path / "labels.csv")) == set(labels)
    assert [one.publishable for one in labels] == [True, False, True]


@pytest.mark.parametrize("word", ["", "no", "maybe", "no idea", "yes sir"])
def test_words_are_checked(word: str) -> None:
    with pytest.raises(InputError):
        label(judge1=word)


def test_a_file_with_other_columns_is_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("product,shopper\na,b\n")
    with pytest.raises(InputError, match="renderer_digest"):
        read_labels(tmp_path / "labels.csv")


def test_kappa_of_the_textbook() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: 0.4 (Cohen's own example of 50 proposals)."""
    votes = [(True, True)] * 20 + [(True, False)] * 5 + [(False, True)] * 10 + [(False, False)] * 15
    assert kappa(votes) == pytest.approx(0.4)
    assert kappa([(True, True)] * 4) == 1.0


# The fit


def sample(count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Losses of which the first two matter, the third is noise and the fourth comes with good pictures."""
    losses = rng.random((count, 4))
    odds = 2.0 - 4.0 * losses[:, 0] - 2.0 * losses[:, 1] + 1.0 * losses[:, 3]
    return losses, (rng.random(count) < 1 / (1 + np.exp(-odds))).astype(float)


def test_the_fit_finds_the_weights_and_keeps_them_above_zero() -> None:
    losses, votes = sample(6000, np.random.default_rng(3))
    model = fit(losses, votes, ridge=0.1)
    assert model.weights[:3] == pytest.approx([4.0, 2.0, 0.0], abs=0.35)
    assert model.weights[3] == 0.0
    assert (model.weights >= 0).all()
    worse = np.clip(losses + 0.1, 0, 1)
    assert (model.log_odds(worse) <= model.log_odds(losses)).all()


def test_the_fit_survives_separable_and_constant_measures() -> None:
    losses = np.column_stack([np.repeat([0.0, 1.0], 10), np.full(20, 0.3)])
    model = fit(losses, np.repeat([1.0, 0.0], 10))
    assert np.isfinite([model.intercept, *model.weights]).all()
    assert model.weights[0] > 1
    assert model.weights[1] == 0


def test_held_out_chances_are_of_models_that_have_not_seen_the_product() -> None:
    losses, votes = sample(300, np.random.default_rng(4))
    groups = [f"p{index % 10}" for index in range(300)]
    chances = held_out(losses, votes, groups, np.ones(300), 1.0)
    assert ((chances > 0) & (chances < 1)).all()
    assert np.corrcoef(chances, votes)[0, 1] > 0.3


@pytest.mark.parametrize(("share", "count"), [(0.9, 100), (1.0, 20), (0.95, 60), (0.0, 5)])
def test_wilson_bound_is_the_share_that_would_just_allow_the_one_seen(share: float, count: int) -> None:
    bound = wilson_lower(share, count)
    assert 0 <= bound <= share
    assert share - bound == pytest.approx(1.6449 * np.sqrt(bound * (1 - bound) / count), abs=1e-6)


def test_a_threshold_keeps_the_precision_and_as_much_recall_as_it_can() -> None:
    quality_of = np.linspace(0, 1, 101)
    good = quality_of > 0.4
    points = curve(quality_of, good, np.ones(101))
    threshold = choose_threshold(points)
    chosen = at(threshold, quality_of, good, np.ones(101))
    assert chosen.precision >= 0.93
    assert chosen.recall == 1.0
    assert at(2.0, quality_of, good, np.ones(101)).accepted == 0


def judged(count: int) -> list[Judged]:
    """Pictures that are bad where limbs are torn, judged by two who err one time in twenty."""
    rng = np.random.default_rng(5)
    out = []
    for index in range(count):
        whole, turn = rng.random(2)
        votes = ["yes" if (whole > 0.5) ^ (rng.random() < 0.05) else "no torn_arm" for _ in range(2)]
        one = label(f"mh{index % 20:02d}_front", *votes, "check" if index % 20 < 12 else "calibration")
        out.append(
            Judged(replace(one, shopper=f"{index:04d}"), {"limbs_whole": whole, "arm_turn": turn}, 1.0, "accepted")
        )
    return out


def test_calibration_from_end_to_end() -> None:
    done = calibrate(judged(400), "digest")
    assert parse_table(to_toml(done.table)) == done.table
    assert done.report["accepted"]["precision"] > 0.85
    assert done.report["accepted"]["recall"] > 0.7
    assert next(iter(done.report["measures"])) == "limbs_whole"
    assert done.report["judges"]["check"]["kappa"] > 0.7
    json.dumps(done.report, allow_nan=False)
    good, bad = (verdict.judge((), {"limbs_whole": whole}, done.table) for whole in (1.0, 0.62))
    assert (good.status, good.scores["quality"]) == ("accepted", pytest.approx(done.table.quality({})))
    if bad.status == "doubtful":
        assert bad.reasons[0].code == "limb_behind_body"
        assert bad.reasons[0].part == "limbs_whole"
        assert bad.reasons[0].limit is not None
        assert 0.62 < bad.reasons[0].limit <= 1.0


def test_both_sets_need_pictures_of_both_kinds() -> None:
    with pytest.raises(InputError, match="both kinds"):
        calibrate([one for one in judged(60) if one.label.publishable], "digest")


# The table


TABLE = Table(2.0, {"coverage": 3.0, "limbs_whole": 6.0}, 0.6, "digest")


def test_the_quality_falls_with_every_measure() -> None:
    assert TABLE.quality({}) == pytest.approx(1 / (1 + np.exp(-2.0)))
    assert TABLE.quality({"coverage": 0.5}) < TABLE.quality({"coverage": 0.6})
    assert TABLE.worst({"coverage": 0.5, "limbs_whole": 0.7}) == "limbs_whole"


def test_what_would_have_been_needed() -> None:
    measures = {"coverage": 0.9, "limbs_whole": 0.6}
    needed = TABLE.needed("limbs_whole", measures)
    assert TABLE.quality(measures | {"limbs_whole": needed}) == pytest.approx(TABLE.threshold)


def test_weights_of_unknown_measures_are_refused() -> None:
    with pytest.raises(ValueError, match="beauty"):
        parse_table('intercept = 1\nthreshold = 0.5\nrenderer = "x"\n[weights]\nbeauty = 1.0\n')


# Sheets and fingerprints


def test_a_fingerprint_forgives_the_last_bit_only(tmp_path: Path) -> None:
    blocks = np.random.default_rng(6).integers(0, 250, (3, 24, 18, 3)).astype(np.uint8)
    one = Fingerprint(blocks, {"parser": "ab"})
    one.write(tmp_path / "fingerprint.json")
    again = read_fingerprint(tmp_path / "fingerprint.json")
    assert again.digest == one.digest
    assert again.same_as(one)
    assert one.same_as(replace(one, blocks=blocks + np.uint8(1)))
    torn = blocks.copy()
    torn[0, 3, 3] += 5
    assert not one.same_as(replace(one, blocks=torn))
    assert not one.same_as(replace(one, networks={"parser": "cd"}))


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four cards, one of them without a model, and six shoppers, one of them nobody."""
    root = tmp_path_factory.mktemp("shop")
    (root / "store" / "photos").mkdir(parents=True)
    (root / "ccp" / "photos").mkdir(parents=True)
    rows = ["product_id,view,file"]
    for card, outfit in (("mh01", "print_tee"), ("wt02", "sport"), ("mp03", "striped_long"), ("wj04", "")):
        photo = draw_figure("standing", OUTFITS[outfit], SIZE).photo if outfit else np.full((320, 240, 3), 90, np.uint8)
        (root / "store" / "photos" / f"{card}_front.jpg").write_bytes(encode(photo, "jpeg"))
        rows.append(f"{card},front,photos/{card}_front.jpg")
    (root / "store" / "catalogue.csv").write_text("\n".join(rows) + "\n")
    for number, pose in enumerate(("hand_on_hip", "arms_out", "walking", "waving", "contrapposto", "")):
        photo = draw_figure(pose, OUTFITS["tee_skirt"], SIZE).photo if pose else np.full((320, 240, 3), 90, np.uint8)
        (root / "ccp" / "photos" / f"{number:04d}.jpg").write_bytes(encode(photo, "jpeg"))
    return root


def fill(form: Path, word: Callable[[int], str]) -> None:
    with form.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with form.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("number", "word"))
        writer.writerows((row["number"], word(int(row["number"]))) for row in rows)


@pytest.mark.soak
def test_from_photos_to_labels(
    shop: Path, tmp_path: Path, pipeline: Pipeline, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sheets"
    drawn = ["--pairs", "6", "--cards", "4", "--shoppers", "6", "--seed", "1"]
    assert judge.main(["sheets", "--data", str(shop), "--out", str(out), *drawn]) == 0
    key = json.loads((out / "key.json").read_text())
    assert len(key["pictures"]) >= 4
    for row in key["pictures"]:
        with Image.open(out / f"{row['number']}.png") as sheet:
            assert sheet.height == SIZE[1]
            assert sheet.width > SIZE[0] + 50
        assert row["verdict"] in {"accepted", "doubtful", "refused"}
        assert set(row["measures"]) <= set(quality.CODES)
        assert row["product"] != "wj04_front"
        assert row["shopper"] != "0005"
    for index, form in enumerate(("judge1.csv", "judge2.csv")):
        fill(out / form, lambda number, index=index: "yes" if number % 2 == index else "no sliver")
    assert judge.main(["labels", "--sheets", str(out), "--out", str(tmp_path / "labels.csv")]) == 0
    labels = read_labels(tmp_path / "labels.csv")
    assert len(labels) == len(key["pictures"])
    assert {one.renderer_digest for one in labels} == {read_fingerprint(tmp_path / "fingerprint.json").digest}
    assert "judged by both" in capsys.readouterr().out


def test_the_fingerprint_is_small_and_stays(pipeline: Pipeline) -> None:
    one = fingerprint(pipeline)
    assert one.blocks.nbytes < 20_000, "it lies in the repository"
    assert one.blocks.shape[1:3] == (384 // BLOCK, 288 // BLOCK)
    assert one.blocks.std() > 10
    assert one.same_as(todays(pipeline.default_renderer))
    assert not one.same_as(todays("warp")), "labels are of the renderer that was judged"
