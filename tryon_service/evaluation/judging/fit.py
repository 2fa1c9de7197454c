"""From labels to an acceptance rule: a logistic model without negative weights, and a threshold on it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDS = 60
ONE_SIDED_95 = 1.6449


@dataclass(frozen=True)
class Logistic:
    """log odds = intercept - losses @ weights; weights are not negative, so no loss can make a picture better."""

    intercept: float
    weights: Floats

    def log_odds(self, losses: Floats) -> Floats:
        return np.asarray(self.intercept - losses @ self.weights)


@dataclass(frozen=True)
class Point:
    """One threshold's outcome, pictures weighted. precision: of the accepted, the share fit to be published; lower: its
    95 % lower bound (one-sided, Wilson); recall: of the publishable, the share accepted; accepted: how many."""

    threshold: float
    precision: float
    lower: float
    recall: float
    accepted: int


def fit(losses: Floats, votes: Floats, weights: Floats | None = None, ridge: float = 1.0) -> Logistic:
    """Ridge logistic regression by iteratively reweighted least squares, the losses standardised for the ridge.

    losses: N x M in [0, 1]; votes: N in [0, 1], the share of judges who would publish; weights: N, of the pictures.
    A measure whose weight comes out negative is dropped and the rest fitted anew, the most negative first.
    """
    spread = np.where(losses.std(axis=0) > 1e-6, losses.std(axis=0), np.inf)
    active = np.flatnonzero(np.isfinite(spread))
    trust = np.ones(len(losses)) if weights is None else weights / weights.mean()
    while True:
        beta = _irls(losses[:, active] / spread[active], votes, trust, ridge)
        if not len(active) or beta[1:].max() <= 0:
            break
        active = np.delete(active, int(np.argmax(beta[1:])))
    out = np.zeros(losses.shape[1])
    out[active] = -beta[1:] / spread[active]
    return Logistic(float(beta[0]), out)


def _irls(x: Floats, y: Floats, trust: Floats, ridge: float) -> Floats:
    """Newton's method; the intercept is not shrunk. McCullagh and Nelder, "Generalized Linear Models" (1989), 2.5."""
    design = np.column_stack([np.ones(len(x)), x])
    penalty = np.diag([1e-6, *[ridge] * x.shape[1]])
    beta = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        chance = 1.0 / (1.0 + np.exp(-np.clip(design @ beta, -30, 30)))
        slope = design.T @ (trust * (y - chance)) - penalty @ beta
        curvature = (design * (trust * np.maximum(chance * (1 - chance), 1e-6))[:, None]).T @ design + penalty
        step = np.linalg.solve(curvature, slope)
        beta += step * min(1.0, 5.0 / max(float(np.abs(step).max()), 1e-12))
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(beta)


def held_out(losses: Floats, votes: Floats, groups: Sequence[str], weights: Floats, ridge: float) -> Floats:
    """Each picture's chance from a model that never saw its group (product), so that thresholds aren't chosen on
    flattered figures. N in [0, 1]."""
    names = np.array(groups)
    folds = {name: index % 5 for index, name in enumerate(sorted(set(groups)))}
    fold = np.array([folds[name] for name in names])
    out = np.zeros(len(losses))
    for k in range(5):
        rest = fold != k
        if not rest.all() and rest.any():
            out[~rest] = fit(losses[rest], votes[rest], weights[rest], ridge).log_odds(losses[~rest])
    return np.asarray(1.0 / (1.0 + np.exp(-out)))


def wilson_lower(share: float, count: float, z: float = ONE_SIDED_95) -> float:
    """Lower bound of a share. Wilson, "Probable inference, the law of succession, and statistical inference" (1927)."""
    if count <= 0:
        return 0.0
    centre = share + z * z / (2 * count)
    half = z * float(np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)))
    return (centre - half) / (1 + z * z / count)


def at(threshold: float, quality: Floats, publishable: NDArray[np.bool_], weights: Floats) -> Point:
    """What comes of accepting everything of at least this quality."""
    accepted = quality >= threshold
    good, bad = weights[accepted & publishable].sum(), weights[accepted & ~publishable].sum()
    precision = float(good / (good + bad)) if good + bad > 0 else 0.0
    count = _effective(weights[accepted])
    total = float(weights[publishable].sum())
    recall = float(good / total) if total > 0 else 0.0
    return Point(threshold, precision, wilson_lower(precision, count), recall, int(accepted.sum()))


def _effective(weights: Floats) -> float:
    """Kish's effective number of equally weighted pictures."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def curve(quality: Floats, publishable: NDArray[np.bool_], weights: Floats) -> list[Point]:
    """One point for each threshold that changes anything, strictest first."""
    return [at(float(one), quality, publishable, weights) for one in np.unique(quality)[::-1]]


def choose_threshold(points: Sequence[Point], precision: float = 0.93, recall: float = 0.72) -> float:
    """Of the thresholds with this recall the lowest that has the precision, else the most precise; both a little above
    what is promised, for the luck of the draw. Where none has the recall, the lowest of all."""
    enough = [point for point in points if point.recall >= recall]
    if not enough:
        return min(point.threshold for point in points)
    good = [point for point in enough if point.precision >= precision]
    if good:
        return min(good, key=lambda point: point.threshold).threshold
    return max(enough, key=lambda point: point.precision).threshold
