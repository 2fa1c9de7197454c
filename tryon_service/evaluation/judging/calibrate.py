"""The fit of the verdict to the labels: a table from the calibration set, its figures on the check set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tryon_service.errors import InputError
from tryon_service.evaluation.judging.fit import (
    Floats,
    Point,
    at,
    choose_threshold,
    curve,
    fit,
    held_out,
)
from tryon_service.evaluation.judging.labels import Label, kappa
from tryon_service.quality import CODES, Table

RIDGES = (0.3, 1.0, 3.0, 10.0, 30.0)
CURVE_POINTS = 40


@dataclass(frozen=True)
class Judged:
    """One judged picture: label, the key's measures, its weight and today's verdict."""

    label: Label
    measures: Mapping[str, float]
    weight: float
    verdict: str


@dataclass(frozen=True)
class Calibration:
    """table: what becomes a file of quality/tables; report: JSON values, measured on the check set where nothing else
    is said; refused, missed, wrongly_accepted: the pictures by name, the first two fit to be published."""

    table: Table
    report: dict[str, Any]


def join(key: Mapping[str, Any], labels: Sequence[Label]) -> list[Judged]:
    """The labels with what the key knows of their pictures. Raises InputError("invalid_option") where one is missing or
    was made by another renderer."""
    rows = {(row["product"], row["shopper"]): row for row in key["pictures"]}
    out = []
    for label in labels:
        row = rows.get((label.product, label.shopper))
        if row is None or label.renderer_digest != key["renderer_digest"]:
            detail = f"{label.product} x {label.shopper} was not made by renderer {key['renderer_digest']}."
            raise InputError("invalid_option", detail, "labels")
        out.append(Judged(label, row["measures"], float(row["weight"]), row["verdict"]))
    return out


def calibrate(judged: Sequence[Judged], renderer: str) -> Calibration:
    """Fit on the calibration set, with the ridge and the threshold chosen on it through products held out; figures on
    the check set. Raises InputError("invalid_option") if either set lacks publishable or unpublishable pictures."""
    sets = {side: [one for one in judged if one.label.set == side] for side in ("calibration", "check")}
    for side, rows in sets.items():
        if len({one.label.publishable for one in rows}) < 2:
            raise InputError("invalid_option", f"The {side} set needs pictures of both kinds.", "labels")
    names = sorted({name for one in judged for name in one.measures} & set(CODES))
    rows = sets["calibration"]
    losses, votes, ones = _losses(rows, names), _votes(rows), np.ones(len(rows))
    products = [one.label.product.partition("_")[0] for one in rows]
    folds = {ridge: held_out(losses, votes, products, ones, ridge) for ridge in RIDGES}
    ridge = max(RIDGES, key=lambda one: _likelihood(folds[one], votes))
    model = fit(losses, votes, ones, ridge)
    threshold = choose_threshold(curve(_unless_refused(folds[ridge], rows), _publishable(rows), ones))
    weights = {name: round(float(w), 4) for name, w in zip(names, model.weights, strict=True) if w > 1e-3}
    table = Table(round(model.intercept, 4), weights, round(threshold, 4), renderer)
    return Calibration(table, _report(sets, table, names, ridge))


def to_toml(table: Table) -> str:
    rows = "".join(f"{name} = {weight}\n" for name, weight in sorted(table.weights.items()))
    return (
        "# Fitted to pictures judged by eye: log odds = intercept - sum of weight x (1 - measure), see table.py.\n"
        f'intercept = {table.intercept}\nthreshold = {table.threshold}\nrenderer = "{table.renderer}"\n\n'
        f"[weights]\n{rows}"
    )


def _report(sets: Mapping[str, Sequence[Judged]], table: Table, names: Sequence[str], ridge: float) -> dict[str, Any]:
    check = sets["check"]
    qualities = _unless_refused(np.array([table.quality(one.measures) for one in check]), check)
    good, even = _publishable(check), np.ones(len(check))
    population = np.array([one.weight for one in check])
    points = curve(qualities, good, even)
    return {
        "pictures": {side: len(rows) for side, rows in sets.items()},
        "publishable": {side: round(float(_publishable(rows).mean()), 4) for side, rows in sets.items()},
        "judges": {side: agreement([one.label for one in rows]) for side, rows in sets.items()},
        "ridge": ridge,
        "accepted": _rounded(at(table.threshold, qualities, good, even)),
        "accepted_in_the_population": _rounded(at(table.threshold, qualities, good, population)),
        "verdict_before": _rounded(at(0.5, _accepted_before(check), good, even)),
        "curve": [_rounded(point) for point in points[:: max(1, len(points) // CURVE_POINTS)]],
        "measures": telling([one for rows in sets.values() for one in rows], names),
        "refused": _names(check, qualities == 0.0, good),
        "missed": _names(check, (qualities < table.threshold) & (qualities > 0.0), good),
        "wrongly_accepted": _names(check, qualities >= table.threshold, ~good),
    }


def agreement(labels: Sequence[Label]) -> dict[str, float]:
    """kappa, and the share of pictures of which both judges say the same."""
    votes = [label.votes for label in labels]
    return {"kappa": round(kappa(votes), 4), "same": round(float(np.mean([a == b for a, b in votes])), 4)}


def telling(judged: Sequence[Judged], names: Sequence[str]) -> dict[str, float]:
    """How well each measure alone tells publishable pictures from others: the area under its ROC curve, the most
    telling first; 0.5 tells nothing."""
    good = _publishable(judged)
    areas = {}
    for name in names:
        values = np.array([one.measures.get(name, 1.0) for one in judged])
        higher = values[good][:, None] - values[~good][None, :]
        areas[name] = round(float((higher > 0).mean() + 0.5 * (higher == 0).mean()), 4)
    return dict(sorted(areas.items(), key=lambda item: -item[1]))


def _losses(rows: Sequence[Judged], names: Sequence[str]) -> Floats:
    return np.array([[1.0 - one.measures.get(name, 1.0) for name in names] for one in rows])


def _votes(rows: Sequence[Judged]) -> Floats:
    return np.array([np.mean(one.label.votes) for one in rows])


def _publishable(rows: Sequence[Judged]) -> np.ndarray:
    return np.array([one.label.publishable for one in rows])


def _accepted_before(rows: Sequence[Judged]) -> Floats:
    return np.array([float(one.verdict == "accepted") for one in rows])


def _unless_refused(qualities: Floats, rows: Sequence[Judged]) -> Floats:
    """Quality 0 for what the verdict's limits refuse whatever the quality says."""
    return np.where([one.verdict == "refused" for one in rows], 0.0, qualities)


def _likelihood(chances: Floats, votes: Floats) -> float:
    chances = np.clip(chances, 1e-6, 1 - 1e-6)
    return float(np.mean(votes * np.log(chances) + (1 - votes) * np.log(1 - chances)))


def _names(rows: Sequence[Judged], chosen: np.ndarray, among: np.ndarray) -> list[str]:
    labels = [one.label for one, yes in zip(rows, chosen & among, strict=True) if yes]
    return [f"{label.product} x {label.shopper}: {label.judge1}, {label.judge2}" for label in labels]


def _rounded(point: Point) -> dict[str, float]:
    return {name: round(value, 4) for name, value in asdict(point).items()}
