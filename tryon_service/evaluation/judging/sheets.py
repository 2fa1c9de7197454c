"""Sheets for the judges: each result at full size beside its product photo, under a number that tells nothing.

The verdict, the names and the measures of each number go to key.json, which judges don't open.
"""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from tqdm import tqdm

from tryon_service import quality
from tryon_service.errors import RefusedError
from tryon_service.evaluation.drawing import PAPER, rgb_of
from tryon_service.evaluation.judging.draw import Pair, candidates, cards, draw, original, split
from tryon_service.evaluation.judging.fingerprint import fingerprint
from tryon_service.evaluation.judging.forced import Forced, forced
from tryon_service.imaging.encode import encode
from tryon_service.pipeline import Pipeline, Product, RenderRequest
from tryon_service.report import reason_row
from tryon_service.types import Person, UInt8Array

logger = logging.getLogger(__name__)

GAP = 12
SMALL = 0.28
"""Height of the two photos beside the result, of its own, so that a sheet can be looked at without scaling."""
FORMS = ("judge1.csv", "judge2.csv")


def make_sheets(
    pipeline: Pipeline, data: Path, out: Path, *, pairs: int, card_count: int, shopper_count: int, seed: int
) -> dict[str, Any]:
    """Draw pairs, render them and write sheets, forms, fingerprint.json and key.json to out. Returns the key.

    data: with store/catalogue.csv and ccp/photos/. card_count, shopper_count: how many to draw from; each is analysed
    once.
    """
    rng = np.random.default_rng(seed)
    catalogue = cards(data / "store")
    shopper_paths = {path.stem: path for path in sorted((data / "ccp" / "photos").glob("*.jpg"))}
    chosen_cards = sorted(rng.permutation(sorted(catalogue))[:card_count].tolist())
    chosen_shoppers = sorted(rng.permutation(sorted(shopper_paths))[:shopper_count].tolist())
    shoppers = _shoppers(pipeline, [shopper_paths[name] for name in chosen_shoppers])
    photos = _models(pipeline, {card: catalogue[card] for card in chosen_cards})
    sides = split(chosen_cards, rng), split(chosen_shoppers, rng, original)
    population = list(candidates(photos, {name: one.keypoints for name, one in shoppers.items()}, sides))
    drawn = draw(population, pairs, rng)
    digest = _write_fingerprint(pipeline, out)
    paths = {path.stem: path for photos_of in catalogue.values() for path in photos_of}
    rows = list(_render(pipeline, drawn, paths, shoppers, rng.permutation(len(drawn)).tolist(), out))
    key = {"seed": seed, "renderer_digest": digest, "population": len(population), "pictures": rows}
    (out / "key.json").write_text(json.dumps(key, indent=1) + "\n")
    _write_forms([row["number"] for row in rows], rng, out)
    return key


def _shoppers(pipeline: Pipeline, paths: Iterable[Path]) -> dict[str, Person]:
    out = {}
    for path in tqdm(list(paths), desc="shoppers", unit="photo", disable=None):
        try:
            out[path.stem] = pipeline.analyse_pose(path.read_bytes())
        except RefusedError as error:
            logger.info("shopper %s: %s", path.stem, error.code)
    return out


def _models(pipeline: Pipeline, catalogue: dict[str, list[Path]]) -> dict[str, dict[str, Person]]:
    """The people on the cards' photos, by card and photo; without those nothing can be made of."""
    out: dict[str, dict[str, Person]] = {}
    for card, paths in tqdm(catalogue.items(), desc="cards", unit="card", disable=None):
        out[card] = {}
        for path in paths:
            try:
                out[card][path.stem] = pipeline.analyse_product(path.read_bytes()).person
            except RefusedError as error:
                logger.info("product %s: %s", path.stem, error.code)
    return out


def _render(
    pipeline: Pipeline,
    drawn: Sequence[Pair],
    paths: dict[str, Path],
    shoppers: dict[str, Person],
    numbers: Sequence[int],
    out: Path,
) -> Iterable[dict[str, Any]]:
    """The key's rows, in the order of the products, so that each is analysed once."""
    for number, pair in tqdm(sorted(zip(numbers, drawn, strict=True), key=_by_product), unit="pair", disable=None):
        product = pipeline.analyse_product(paths[pair.product].read_bytes())
        shopper = shoppers[pair.shopper]
        try:
            made = forced(pipeline, RenderRequest(shopper, (product,)))
        except RefusedError as error:
            logger.info("%s x %s: %s", pair.product, pair.shopper, error.code)
            continue
        (out / f"{number:04d}.png").write_bytes(encode(sheet(product, shopper, rgb_of(made.picture)), "png"))
        yield {"number": f"{number:04d}", **asdict(pair), **outcome(made)}


def _by_product(numbered: tuple[int, Pair]) -> tuple[str, str]:
    return numbered[1].product, numbered[1].shopper


def outcome(made: Forced) -> dict[str, Any]:
    """The key's account of one picture: verdict, reasons, measures."""
    return {
        "verdict": made.verdict.status,
        "reasons": [reason_row(reason) for reason in made.verdict.reasons],
        "measures": {name: round(value, 4) for name, value in made.verdict.scores.items() if name in quality.CODES},
    }


def sheet(product: Product, shopper: Person, result: UInt8Array) -> UInt8Array:
    """The product photo and below it the shopper's, both small, and the result at full size."""
    height = result.shape[0]
    small = [_of_height(photo, round(SMALL * height)) for photo in (product.person.photo.rgb, shopper.photo.rgb)]
    left = max(tile.shape[1] for tile in small) + GAP
    out = np.full((height, left + result.shape[1], 3), PAPER, np.uint8)
    out[:, left:] = result
    for top, tile in zip((0, round(SMALL * height) + GAP), small, strict=True):
        out[top : top + tile.shape[0], : tile.shape[1]] = tile
    return out


def _of_height(picture: UInt8Array, height: int) -> UInt8Array:
    width = round(picture.shape[1] * height / picture.shape[0])
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def _write_fingerprint(pipeline: Pipeline, out: Path) -> str:
    found = fingerprint(pipeline)
    found.write(out / "fingerprint.json")
    return found.digest


def _write_forms(numbers: Sequence[str], rng: np.random.Generator, out: Path) -> None:
    """An empty form for each judge, in an order of its own."""
    for form in FORMS:
        with (out / form).open("w", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("number", "word"))
            writer.writerows((number, "") for number in rng.permutation(sorted(numbers)).tolist())
