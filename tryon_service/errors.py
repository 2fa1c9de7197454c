"""The one error tree, and the one table of codes with their public texts and their HTTP and gRPC status.

TryonError
|- InputError         a photo or an option is unusable as sent
|- RefusedError       the photos are fine as files, but no honest picture can be made of them
|- AccessError        the caller may not do that, or not so often
|- UnavailableError   the service can't answer now (overloaded, too late, engine gone)
'- ZooError           a network's file is missing, wrong or can't be had
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tryon_service.types import Reason


@dataclass(frozen=True)
class Code:
    """A stable code. text: a sentence for people; http, grpc: status; retryable: may the same request succeed later."""

    text: str
    http: int
    grpc: str
    retryable: bool = False


def _refusal(text: str) -> Code:
    return Code(text, 422, "FAILED_PRECONDITION")


def _input(text: str, http: int = 400) -> Code:
    return Code(text, http, "INVALID_ARGUMENT")


CODES: dict[str, Code] = {
    # Refusals: what is wrong with which photo.
    "no_person": _refusal("No person was found in the photo."),
    "several_people": _refusal("Two or more people of similar size are in the photo; one person must stand out."),
    "person_too_small": _refusal("The person is too small in the photo."),
    "body_cropped": _refusal("The photo cuts off a part of the body that the product picture shows."),
    "joint_hidden": _refusal("A joint that the pose needs can't be seen in the photo."),
    "back_view": _refusal("The person is seen from behind."),
    "side_view": _refusal("The person is seen from the side."),
    "view_mismatch": _refusal("The two photos show the body from different sides."),
    "pose_too_different": _refusal("The pose is too far from the product photo's pose."),
    "limb_behind_body": _refusal("A limb is hidden behind the body in the product photo."),
    "garment_not_visible": _refusal("Too much of the garment would have to be invented."),
    "no_model_in_product": _refusal("The product photo shows no person wearing the garment."),
    "renderer_unjudged": _refusal("Nobody has judged yet how far pictures of this renderer can be trusted."),
    "low_light": _refusal("The photo is too dark."),
    "blurred": _refusal("The photo is too blurred."),
    "unsupported_task": Code("This task is not supported.", 422, "UNIMPLEMENTED"),
    # Input: unusable as sent.
    "not_an_image": _input("The file is not an image."),
    "unsupported_format": _input("The image format is not supported.", 415),
    "truncated_image": _input("The image file is incomplete or damaged."),
    "too_many_pixels": _input("The image has too many pixels.", 413),
    "too_many_bytes": _input("The image file, or the whole call, is too large.", 413),
    "too_many_frames": _input("The image has more than one frame."),
    "image_too_small": _input("The image is too small."),
    "missing_field": _input("A required field is missing."),
    "invalid_option": _input("An option has an invalid value."),
    "unknown_product": Code("There is no product with this id.", 404, "NOT_FOUND"),
    "expired_pose": _input("The pose token has expired.", 410),
    "invalid_pose": _input("The pose token or pose file is not valid."),
    "invalid_signature": Code("The signature is not valid.", 403, "PERMISSION_DENIED"),
    "blocked_url": _input("Photos may not be fetched from this URL."),
    "not_found": Code("There is nothing at this address.", 404, "NOT_FOUND"),
    "method_not_allowed": Code("This address doesn't answer this method.", 405, "UNIMPLEMENTED"),
    "not_acceptable": Code("None of the formats asked for can be made.", 406, "INVALID_ARGUMENT"),
    "unsupported_media_type": _input("The body is of a kind that this address doesn't read.", 415),
    "conflict": Code("Another call changed the same thing at the same time.", 409, "ABORTED", retryable=True),
    # Access: who may do what, and how often.
    "unauthorized": Code("A valid API key or token is needed.", 401, "UNAUTHENTICATED"),
    "forbidden": Code("This key or token doesn't allow that.", 403, "PERMISSION_DENIED"),
    "token_spent": Code("The token has been used as often as it may be.", 403, "PERMISSION_DENIED"),
    "rate_limited": Code("Too many calls; slow down.", 429, "RESOURCE_EXHAUSTED", retryable=True),
    # The service's own state.
    "overloaded": Code("The service is busy; try again shortly.", 429, "RESOURCE_EXHAUSTED", retryable=True),
    "deadline_exceeded": Code("The answer was not ready in time.", 504, "DEADLINE_EXCEEDED", retryable=True),
    "engine_unavailable": Code("The render engine is not available.", 503, "UNAVAILABLE", retryable=True),
    "fetch_failed": Code("A photo could not be fetched.", 502, "UNAVAILABLE", retryable=True),
    "storage_full": Code("There is no room left to keep that.", 507, "RESOURCE_EXHAUSTED", retryable=True),
    "storage_unavailable": Code("What is kept can't be reached.", 503, "UNAVAILABLE", retryable=True),
    "network_missing": Code("A network's file is not in the zoo and could not be fetched.", 503, "UNAVAILABLE"),
    "network_mismatch": Code("A network's file does not match its checksum.", 503, "FAILED_PRECONDITION"),
    "internal": Code("Something went wrong on our side.", 500, "INTERNAL", retryable=True),
}


class TryonError(Exception):
    """Base of every error this package raises on purpose.

    code: a key of CODES; detail: what exactly, with figures and limits, fit for the public;
    field: the input concerned ("shopper", "product[1]", "size", ...), empty where none is.
    """

    def __init__(self, code: str, detail: str = "", field: str = "") -> None:
        if code not in CODES:
            raise ValueError(f"unknown error code {code!r}")
        super().__init__(detail or CODES[code].text)
        self.code = code
        self.detail = detail
        self.field = field

    @property
    def retryable(self) -> bool:
        return CODES[self.code].retryable

    @property
    def public_text(self) -> str:
        """One line a person understands, e.g. 'shopper: No person was found in the photo. (code no_person)'."""
        words = CODES[self.code].text if not self.detail else f"{CODES[self.code].text} {self.detail}"
        return f"{self.field}: {words}" if self.field else words

    def __reduce__(self) -> tuple[type[TryonError], tuple[str, str, str]]:
        return type(self), (self.code, self.detail, self.field)


class InputError(TryonError):
    """A photo or an option is unusable as sent."""


class UnavailableError(TryonError):
    """The service can't answer now; retryable says whether it may later."""


class AccessError(TryonError):
    """The caller may not do that, or not so often."""


class ZooError(TryonError):
    """A network's file is missing, wrong or can't be fetched."""


class RefusedError(TryonError):
    """No honest picture can be made of these photos. reasons: every reason found, the first is the error's own code."""

    def __init__(self, reasons: Sequence[Reason], detail: str = "") -> None:
        super().__init__(reasons[0].code, detail, reasons[0].photo)
        self.reasons = tuple(reasons)

    def __reduce__(self) -> tuple[type[RefusedError], tuple[Sequence[Reason], str]]:  # type: ignore[override]
        return type(self), (self.reasons, self.detail)
