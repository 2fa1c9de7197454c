"""The suitability of a catalogue as one HTML page that needs nothing else: pictures inlined, nothing fetched."""

from __future__ import annotations

import base64
import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import get_args

import cv2
import numpy as np

from tryon_service.evaluation import overlays
from tryon_service.imaging.encode import encode
from tryon_service.imaging.frames import fit_size
from tryon_service.onboarding.suitability import CardFitness, Grade
from tryon_service.types import Appearance

THUMBNAIL = (180, 240)
"""Pixels that a photo fits into."""
QUALITY = 80
LEGEND = (
    "A good card serves half of the house poses without doubt, a limited one fewer, a poor one none at all; the nearer "
    "a shopper's pose is to the photo's own, the better even these do. Of an unusable card no picture can be made."
)
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; width: 100%; }
td, th { padding: .6rem .8rem; border-bottom: 1px solid #ddd; text-align: left; vertical-align: top; }
img { display: block; } ul { margin: 0; padding-left: 1.2rem; }
.good { color: #17632f; } .limited { color: #8a5a00; } .poor, .unusable { color: #a01c1c; } small { color: #555; }
"""


@dataclass(frozen=True)
class CardReport:
    """A card of the page. view: of its best photo; poses: how many it serves without doubt, at all, and of how many;
    names: those served without doubt; picture: of the best photo with its skeleton, JPEG, empty where there is none."""

    line: int
    id: str
    grade: str
    best: int | None
    view: str
    poses: tuple[int, int, int]
    names: tuple[str, ...]
    fixes: tuple[str, ...]
    picture: bytes = b""


def report_of(line: int, card_id: str, fitness: CardFitness, *, pictured: bool) -> CardReport:
    """pictured: whether the page is wanted, else there is no need to draw."""
    best = fitness.best
    if best is None:
        return CardReport(line, card_id, fitness.grade, None, "", (0, 0, 0), (), fitness.fixes)
    return CardReport(
        line,
        card_id,
        fitness.grade,
        best.index,
        best.view or "",
        (*best.serves, len(best.verdicts)),
        best.poses("accepted"),
        fitness.fixes,
        thumbnail(best.appearance) if pictured and best.appearance else b"",
    )


def thumbnail(appearance: Appearance) -> bytes:
    """The photo with its skeleton, small, as JPEG."""
    drawn = overlays.pose(appearance)
    size = fit_size((drawn.shape[1], drawn.shape[0]), THUMBNAIL)
    return encode(np.asarray(cv2.resize(drawn, size, interpolation=cv2.INTER_AREA), np.uint8), "jpeg", quality=QUALITY)


def page(title: str, reports: Sequence[CardReport]) -> str:
    """The whole page. title: as "catalogue.csv"."""
    counts = Counter(one.grade for one in reports)
    summary = ", ".join(f"{counts[grade]} {grade}" for grade in get_args(Grade) if counts[grade]) or "No cards"
    rows = "\n".join(_row(one) for one in reports)
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}"><style>{STYLE}</style></head>\n'
        f"<body><h1>{html.escape(title)}</h1><p>{summary}. {LEGEND}</p>\n"
        "<table><thead><tr><th>Best photo</th><th>Card</th><th>What it serves</th><th>What to fix</th></tr></thead>\n"
        f"<tbody>\n{rows}\n</tbody></table></body></html>\n"
    )


def _row(one: CardReport) -> str:
    sure, able, total = one.poses
    picture = ""
    if one.picture:
        data = base64.b64encode(one.picture).decode()
        picture = f'<img alt="best photo of {html.escape(one.id)}" src="data:image/jpeg;base64,{data}">'
    photo = f"<small>photo {one.best + 1}, {one.view.replace('_', ' ')}</small>" if one.best is not None else ""
    names = ", ".join(name.replace("_", " ") for name in one.names)
    serves = f"{sure} of {total} house poses, {able - sure} more with doubts<br><small>{names}</small>" if total else ""
    fixes = "".join(f"<li>{html.escape(fix)}</li>" for fix in one.fixes)
    card = f'{html.escape(one.id)}<br><b class="{one.grade}">{one.grade}</b><br><small>line {one.line}</small>'
    return f"<tr><td>{picture}{photo}</td><td>{card}</td><td>{serves}</td><td><ul>{fixes}</ul></td></tr>"
