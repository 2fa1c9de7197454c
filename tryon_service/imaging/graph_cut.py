"""An object told from what lies around it by colour, whatever falls into shade.

The cut is GrabCut's (Rother, Kolmogorov and Blake, 2004), but on colours that shade hardly changes, and with the two
mixtures of colours learnt only from pixels that may tell.
"""

from __future__ import annotations

import cv2
import numpy as np

from tryon_service.types import BoolArray, UInt8Array

ROUNDS = 3
"""How often the colours are learnt anew from the last cut."""
FEWEST = 40
"""Pixels below which no colours can be learnt."""
SAMPLES = 3000
"""Pixels that a mixture is learnt from, at most."""
COMPONENTS = 5
"""Gaussians in a mixture; cv2.grabCut knows no other number."""
SPREAD = 6.0
"""Least standard deviation of a Gaussian, levels: it decides on colours that neither side has, such as nails."""
OFFSET = 16.0
"""Added to all channels before their ratios are taken, levels: in the dark these are noise."""
RATIO = 90.0
"""Levels for a ratio of e between two channels."""
LIGHT = 0.3
"""Weight of the lightness beside the ratios."""


def shadeless(rgb: UInt8Array) -> UInt8Array:
    """H x W x 3 uint8: a little of the lightness, and the ratios of the channels, which shade leaves as they are."""
    log = np.log(rgb.astype(np.float32) + OFFSET)
    ratios = 128 + RATIO * (log[..., :2] - log[..., 1:])
    light = LIGHT * cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.clip(np.round(np.dstack([light, ratios])), 0, 255).astype(np.uint8)


def graph_cut(rgb: UInt8Array, sure: BoolArray, possible: BoolArray, rest: BoolArray, inside: BoolArray) -> BoolArray:
    """H x W bool: the pixels of an object.

    rgb: H x W x 3; all others H x W bool. sure: surely the object's; possible: where it may reach; rest: what its
    surroundings look like, as far as it isn't found to be the object's; inside: the pixels whose colours count. Without
    enough of them the sure ones come back.
    """
    colours, found = shadeless(rgb), sure
    for _ in range(ROUNDS):
        before = found
        own, other = colours[found & inside], colours[rest & ~found & inside]
        if min(len(own), len(other)) < FEWEST:
            break
        labels = np.where(possible, cv2.GC_PR_FGD, cv2.GC_BGD).astype(np.uint8)
        labels[sure] = cv2.GC_FGD
        cv2.grabCut(colours, labels, None, _mixture(other), _mixture(own), 1, cv2.GC_EVAL_FREEZE_MODEL)  # type: ignore[call-overload]
        found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
        if np.array_equal(found, before):
            break
    return np.asarray(found)


def _mixture(colours: UInt8Array) -> np.ndarray:
    """1 x 65 float64, a mixture of Gaussians as cv2.grabCut has it: weights, means, covariances. colours: N x 3."""
    chosen = colours[:: max(1, len(colours) // SAMPLES)].astype(np.float32)
    cv2.setRNGSeed(0)  # the same photo must give the same layers
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 10, 1.0)
    _, labels, means = cv2.kmeans(chosen, COMPONENTS, None, criteria, 1, cv2.KMEANS_PP_CENTERS)  # type: ignore[call-overload]
    members = [chosen[labels[:, 0] == k] for k in range(COMPONENTS)]
    weights = np.array([len(m) / len(chosen) for m in members])
    covariances = np.stack([np.cov(m.T) if len(m) > 3 else np.zeros((3, 3)) for m in members])
    covariances += np.eye(3) * SPREAD**2
    return np.concatenate([weights, means.astype(np.float64).ravel(), covariances.ravel()])[None]
