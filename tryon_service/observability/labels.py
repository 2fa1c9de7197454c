"""The values that labels of metrics may have. Each set is fixed and small; whatever isn't in it counts as OTHER."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal, get_args

from tryon_service.types import VerdictStatus

OTHER = "other"

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
STATUS_CLASSES = frozenset({"1xx", "2xx", "3xx", "4xx", "5xx"})
VERDICTS = frozenset(get_args(VerdictStatus))
RPCS = frozenset(
    {"Render", "AnalyzePose", "ListPoses", "Inspect"}
    | {"PutProduct", "GetProduct", "ListProducts", "DeleteProduct", "GetPhoto"}
)
OURS = frozenset({"internal", "storage_full", "storage_unavailable"})
"""Codes of failures that somebody should look at, however rare."""

Priority = Literal["shopper", "batch"]
Dropped = Literal["late", "cancelled", "overloaded"]
Cache = Literal["product", "picture"]
Restart = Literal["died", "hung", "memory"]
Photo = Literal["shopper", "product", "pair"]
"""Which photo a reason is about; "pair" where it is the two together."""

STEPS = frozenset(
    {"decode", "perceive", "decompose", "prepare"}
    | {"perceive_shopper", "analyse_products", "choose_product", "lend", "retarget"}
    | {"check", "render", "composite", "judge"}
    | {"encode"}
)
"""Names under which the analysis, the pipeline and the worker report the time they took."""


def known(value: str, allowed: Collection[str]) -> str:
    """The value if it is one of the allowed, else OTHER."""
    return value if value in allowed else OTHER


def photo_of(name: str) -> Photo:
    """name: as in Reason.photo, such as "product[1]", empty for the result."""
    return "shopper" if name == "shopper" else "product" if name.startswith("product") else "pair"


def status_class(status: int) -> str:
    return known(f"{status // 100}xx", STATUS_CLASSES)
