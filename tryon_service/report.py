"""The report of a render: the same names in report.json, over HTTP and in the protocol buffers."""

from __future__ import annotations

from typing import Any

from tryon_service.errors import TryonError
from tryon_service.perception.skeletons import coco18
from tryon_service.types import Float32Array, ProductChoice, Reason, Result, Verdict

DECIMALS = 4


def report(result: Result) -> dict[str, Any]:
    """Plain JSON values: verdict, reasons, scores, target_coco18, product_used, choice, timings_ms, renderer, networks.

    target_coco18: 18 rows of x, y in pixels of the picture and seen, 0 or 1. It, product_used and choice are null in a
    refusal that came before them.
    """
    target = result.target
    return {
        "verdict": result.verdict.status,
        "reasons": [reason_row(reason) for reason in result.verdict.reasons],
        "scores": {name: round(float(score), DECIMALS) for name, score in result.verdict.scores.items()},
        "target_coco18": None if target is None else coco18_rows(coco18(target.keypoints)),
        "product_used": result.product_used if result.product_used >= 0 else None,
        "choice": choice_row(result.choice),
        "timings_ms": {name: round(ms, 1) for name, ms in result.timings_ms.items()},
        "renderer": result.renderer,
        "networks": [{"name": network.name, "sha256": network.sha256} for network in result.networks],
    }


def failed(error: TryonError, renderer: str) -> Result:
    """The result that stands for a photo so unusable that the pipeline never began, for a report of the same shape."""
    verdict = Verdict("refused", (Reason(error.code, error.field),))
    return Result(None, verdict, None, -1, {}, renderer, ())


def describe(reason: Reason) -> str:
    """What exactly, in words: 'It is about the left wrist: 0.21, the limit is 0.5.'; may be empty."""
    about = f"It is about the {reason.part.replace('_', ' ')}" if reason.part else "Measured"
    if reason.value is None:
        return f"{about}." if reason.part else ""
    limit = "" if reason.limit is None else f", the limit is {reason.limit:.3g}"
    return f"{about}: {reason.value:.3g}{limit}."


def reason_row(reason: Reason) -> dict[str, Any]:
    return {
        "code": reason.code,
        "photo": reason.photo,
        "part": reason.part,
        "value": _rounded(reason.value),
        "limit": _rounded(reason.limit),
    }


def choice_row(choice: ProductChoice | None) -> dict[str, Any] | None:
    """Which of the card's photos was used and why; angles in degrees."""
    if choice is None:
        return None
    angles = {name: _rounded(getattr(choice, name)) for name in ("degrees_apart", "movement")}
    return {"view": choice.view, "shopper_view": choice.shopper_view, **angles, "missing": list(choice.missing)}


def coco18_rows(joints: Float32Array) -> list[list[float]]:
    """18 x 3 array as JSON rows of x, y (two decimals) and seen (0 or 1)."""
    return [[round(float(x), 2), round(float(y), 2), int(seen)] for x, y, seen in joints]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), DECIMALS)
