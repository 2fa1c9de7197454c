"""The batch benchmark's own parts: what it poisons, what it notices, and how it reckons."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pytest

from tests.benchmarks.batch import analyses, slope_of
from tests.benchmarks.batch_poison import KINDS, UNICODE, photos_of, shares, write_catalogue, wrong_codes
from tests.benchmarks.batch_runs import Journal, Writes, differences, memory
from tryon_service.batch.catalogue import Catalogue
from tryon_service.figures import OUTFITS, draw_figure
from tryon_service.imaging.encode import encode


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("photos")
    data = encode(draw_figure("standing", OUTFITS["print_tee"], (192, 256)).photo, "jpeg")
    files = [folder / f"{number}.jpg" for number in range(5)]
    for file in files:
        file.write_bytes(data)
    return files


@pytest.mark.parametrize(("rows", "poison", "wrong"), [(1000, 0.03, 30), (60, 0.2, 12), (7, 0.0, 0), (9, 1.0, 9)])
def test_so_many_lines_are_poisoned_and_evenly(rows: int, poison: float, wrong: int) -> None:
    kinds = list(shares(rows, poison))
    places = [number for number, kind in enumerate(kinds) if kind]
    assert (len(kinds), len(places)) == (rows, wrong)
    assert all(later - earlier in (rows // wrong, rows // wrong + 1) for earlier, later in pairwise(places))
    counts = Counter(kind for kind in kinds if kind)
    assert max(counts.values(), default=0) - min((counts[kind] for kind in KINDS), default=0) <= 1


def test_the_catalogue_has_every_kind_and_is_read_as_meant(photos: list[Path], tmp_path: Path) -> None:
    poisoned = write_catalogue(tmp_path / "shop", photos, 90, 0.2)
    assert Counter(poisoned.values()) == dict.fromkeys(KINDS, 2)
    catalogue = Catalogue(tmp_path / "shop" / "catalogue.csv", "contract")
    assert (catalogue.lines, catalogue.products) == (90, 88), "a photo given twice is no further product"
    there = {path.name for path in (tmp_path / "shop" / "photos").iterdir()}
    assert {"corrupt.jpg", "nobody.jpg", "empty.jpg", f"{UNICODE}.jpg", *(photo.name for photo in photos)} <= there
    with (tmp_path / "shop" / "catalogue.csv").open(encoding="utf-8") as file:
        good = [line for number, line in enumerate(csv.DictReader(file)) if number + 2 not in poisoned]
    assert len({line["product_id"] for line in good}) == len(good) == 72
    assert {line["file"] for line in good} == {photo.name for photo in photos}
    errors = [photo.error.code for card in catalogue for photo in card.photos if photo.error]
    assert errors == ["invalid_option"] * 2
    assert sum(card.error is not None for card in catalogue) == 2


def test_photos_of_a_catalogue_are_each_named_once(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text("product_id,file\na,x.jpg\nb,y.jpg\nc,x.jpg\n")
    assert photos_of(tmp_path / "c.csv") == [tmp_path / "x.jpg", tmp_path / "y.jpg"]


def test_a_wrong_code_and_a_missing_row_are_noticed() -> None:
    def row(line: int, code: str) -> dict[str, str]:
        return {"photos": json.dumps([{"line": line, "code": code}])}

    poisoned = {3: "corrupt", 5: "0 bytes", 9: "unicode names"}
    rows = [row(3, "truncated_image"), row(4, "blurred"), row(5, "internal")]
    assert wrong_codes(rows, poisoned) == [
        "line 5 (0 bytes): 'internal' instead of 'not_an_image'",
        "line 9 (unicode names): 'no row' instead of ''",
    ]
    assert wrong_codes([*rows, row(5, "not_an_image"), row(9, "")], poisoned) == []


def output(folder: Path, **changes: Any) -> Path:
    """Results of one product in two poses."""
    (folder / "a").mkdir(parents=True)
    rows = []
    for pose in ("standing", "walking"):
        (folder / "a" / f"{pose}.jpg").write_bytes(pose.encode())
        rows.append({"product_id": "a", "pose": pose, "photos": "[]", "quality": 1, "seconds": 1.0, "worker": "1"})
    rows[1] |= changes
    (folder / "results.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    (folder / "report.html").write_text(str(folder))
    return folder


def test_two_outputs_that_are_the_same(tmp_path: Path) -> None:
    assert differences(output(tmp_path / "one"), output(tmp_path / "other", seconds=9.0, worker="ray-2")) == []


def test_a_changed_byte_and_a_missing_row_are_noticed(tmp_path: Path) -> None:
    one, other = output(tmp_path / "one"), output(tmp_path / "other", quality=2)
    (other / "a" / "standing.jpg").write_bytes(b"Standing")
    (other / "b").mkdir()
    (other / "b" / "new.jpg").write_bytes(b"")
    found = ["picture a/standing.jpg", "picture b/new.jpg", "row a walking: quality"]
    assert differences(one, other) == differences(other, one) == found
    lines = (one / "results.jsonl").read_text().splitlines()
    (other / "results.jsonl").write_text(lines[0] + "\n")
    assert differences(one, other)[2].startswith("row a walking: photos, pose, product_id"), "no such row"
    (one / "results.jsonl").write_text("\n".join([*lines, lines[1]]) + "\n")
    third = output(tmp_path / "third")
    assert differences(one, third) == ["row a walking: twice"]


def test_pictures_that_are_written_again_are_counted(tmp_path: Path) -> None:
    out = output(tmp_path / "out")
    with Writes(out) as writes:
        writes.look()
        for pose in ("standing", "standing", "new"):
            (tmp_path / "part").write_bytes(b"standing")
            (tmp_path / "part").replace(out / "a" / f"{pose}.jpg")
            writes.look()
    assert writes.repeated == 2


def test_the_journal_counts_whole_lines_of_all_workers(tmp_path: Path) -> None:
    (tmp_path / ".run").mkdir()
    journal = Journal(tmp_path)
    (tmp_path / ".run" / "000001-1.jsonl").write_text('{"a": 1}\n{"a"')
    (tmp_path / ".run" / "000001-2.jsonl").write_text("{}\n")
    assert journal.count() == 2
    with (tmp_path / ".run" / "000001-1.jsonl").open("a") as file:
        file.write(": 2}\n")
    assert journal.count() == journal.rows == 3


def test_memory_of_a_process_is_counted() -> None:
    """A fresh one's: from one that ran other tests the system may take pages back meanwhile."""
    script = "print(flush=True); input(); block = bytes(range(256)) * 400_000; print(flush=True); input()"
    with subprocess.Popen([sys.executable, "-c", script], stdin=PIPE, stdout=PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        before = memory(process.pid)
        print(file=process.stdin, flush=True)
        process.stdout.readline()
        assert 90 < memory(process.pid) - before < 120
        print(file=process.stdin, flush=True)


def test_a_slope_is_of_later_samples_only() -> None:
    samples = [
        (0.0, 0, 900.0),
        (1.0, 50, 100.0),
        *((float(rows), rows, 200 + rows / 500) for rows in range(100, 1000, 50)),
    ]
    assert slope_of(samples, 1000) == (pytest.approx(2.0), pytest.approx(0.0, abs=1e-6))
    assert slope_of(samples[:3], 1000) == (float("inf"), 0.0), "nothing was measured"


def test_a_slope_is_of_what_stays_and_says_how_sure_it_is() -> None:
    working = [(0.0, rows, 500.0 if rows % 20 else 200.0) for rows in range(0, 1000, 10)]
    assert slope_of(working, 1000)[0] == pytest.approx(0.0, abs=1e-6), "peaks of work are no growth"
    restless = [(0.0, rows, 200.0 + 40 * (rows // 100 % 2)) for rows in range(0, 1000, 10)]
    slope, error = slope_of(restless, 1000)
    assert 0 < abs(slope) < 2 * error


def test_whether_known_photos_are_analysed_again_is_seen_in_the_seconds() -> None:
    def row(photo: str, seconds: float, status: str = "rendered") -> dict[str, Any]:
        return {"photos": json.dumps([{"sha256": photo}]), "seconds": seconds, "status": status}

    told = analyses([row("a", 2.0), row("b", 2.2), row("a", 1.9), row("", 0.1, "failed")], 2)
    assert (told["photos_looked_at"], told["again_for_known_photos"]) == (3, True)
    assert analyses([row("a", 2.0), row("a", 0.3)], 1)["again_for_known_photos"] is False
    assert analyses([row("a", 2.0)], 1)["again_for_known_photos"] is None, "nothing to compare with"
