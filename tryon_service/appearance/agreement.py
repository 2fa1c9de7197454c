"""Figures of a parsing: a confusion matrix, and what is read from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Confusion = NDArray[np.int64]
"""C x C counts of pixels: rows the truth, columns the answer."""


def confusion(truth: NDArray[np.uint8], answer: NDArray[np.uint8], classes: int) -> Confusion:
    """Pixels whose truth is not below `classes` are left out."""
    known = truth < classes
    pairs = truth[known].astype(np.int64) * classes + answer[known]
    return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def iou(matrix: Confusion) -> NDArray[np.float64]:
    """C intersections over unions, NaN for a class neither there nor answered."""
    shared = np.diag(matrix).astype(np.float64)
    union = matrix.sum(axis=0) + matrix.sum(axis=1) - shared
    return np.asarray(np.divide(shared, union, out=np.full(len(matrix), np.nan), where=union > 0), np.float64)


def merged(matrix: Confusion, groups: Sequence[Sequence[int]]) -> Confusion:
    """The matrix of groups of classes."""
    chosen = np.zeros((len(groups), len(matrix)), np.int64)
    for row, group in enumerate(groups):
        chosen[row, list(group)] = 1
    return chosen @ matrix @ chosen.T


def person_iou(matrix: Confusion) -> float:
    """Everything but class 0 as one."""
    return float(iou(merged(matrix, [[0], range(1, len(matrix))]))[1])


def summary(matrix: Confusion, names: Sequence[str], groups: Mapping[str, Sequence[int]]) -> dict[str, float]:
    """miou over the groups found in the truth, person_iou, and the IoU of each class and group."""
    by_group = iou(merged(matrix, list(groups.values())))
    rows = merged(matrix, list(groups.values())).sum(axis=1)
    out = {"miou": float(np.mean(by_group[rows > 0])), "person_iou": person_iou(matrix)}
    out |= {f"iou_{name}": float(value) for name, value in zip(names, iou(matrix), strict=True)}
    return out | {f"merged_{name}": float(value) for name, value in zip(groups, by_group, strict=True)}
