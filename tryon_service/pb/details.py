"""Errors and reasons on the wire: what a failed gRPC call carries beside its status, and back into our own errors."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from tryon_service.errors import (
    CODES,
    AccessError,
    InputError,
    RefusedError,
    TryonError,
    UnavailableError,
    ZooError,
)
from tryon_service.pb import tryon_pb2 as pb
from tryon_service.types import Reason

ERROR_KEY = "tryon-error-bin"
"""Trailing metadata of a failed call: an ErrorDetail."""
NOT_BEGUN_KEY = "tryon-not-begun"
"""Trailing metadata, "1" where a stopping engine turned a call away unread: it may be sent again at once."""
STORE_KEY = "tryon-store"
"""Metadata of a call: the store (tenant) it is for."""


def to_detail(error: TryonError) -> pb.ErrorDetail:
    reasons = error.reasons if isinstance(error, RefusedError) else ()
    return pb.ErrorDetail(
        code=error.code,
        detail=error.detail,
        field=error.field,
        retryable=error.retryable,
        reasons=[to_reason(reason) for reason in reasons],
    )


def from_detail(data: bytes) -> TryonError:
    """The error that an ErrorDetail's bytes tell of; TryonError("internal") for what isn't one."""
    try:
        detail = pb.ErrorDetail.FromString(data)
    except DecodeError:
        return TryonError("internal", "The engine's error can't be read.")
    return error_of(detail.code, detail.detail, detail.field, tuple(from_reason(one) for one in detail.reasons))


def error_of(code: str, detail: str = "", field: str = "", reasons: tuple[Reason, ...] = ()) -> TryonError:
    """The error of this code, of the class that such codes have."""
    if code not in CODES or any(reason.code not in CODES for reason in reasons):
        return TryonError("internal", f"The engine's error {code!r} is not known here.")
    if reasons:
        return RefusedError(reasons, detail)
    entry = CODES[code]
    if entry.retryable:
        return UnavailableError(code, detail, field)
    if entry.http in (401, 403):
        return AccessError(code, detail, field)
    if code.startswith("network_"):
        return ZooError(code, detail, field)
    return InputError(code, detail, field)


def to_reason(reason: Reason) -> pb.Reason:
    return pb.Reason(code=reason.code, photo=reason.photo, part=reason.part, value=reason.value, limit=reason.limit)


def from_reason(reason: pb.Reason) -> Reason:
    value = reason.value if reason.HasField("value") else None
    limit = reason.limit if reason.HasField("limit") else None
    return Reason(reason.code, reason.photo, reason.part, value, limit)
