"""What a shop can do about a photo: our codes in the words of those who take and choose product photos."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from tryon_service.errors import CODES, RefusedError, TryonError
from tryon_service.types import Reason

ADVICE: Mapping[str, str] = MappingProxyType(
    {
        "no_model_in_product": "Use a photo in which a person wears it; a garment laid flat or on a stand can't be "
        "re-posed.",
        "no_person": "Use a photo in which a person wears it, from head to the garment's hem.",
        "several_people": "Use a photo with one person only, or crop the others away.",
        "person_too_small": "Crop closer, or use a larger file: the person should fill most of the height.",
        "side_view": "Use a photo taken from the front, or turned by no more than half to the side.",
        "back_view": "Add a photo from the front; this one shows the back.",
        "view_mismatch": "Add a photo from the side that shoppers show of themselves, which is mostly the front.",
        "body_cropped": "Leave more of the body in the photo: what it cuts off comes into the picture in this pose.",
        "joint_hidden": "Use a photo in which arms and legs can be seen.",
        "limb_behind_body": "Use a photo with both hands in sight: not behind the body, in pockets or folded.",
        "pose_too_different": "Use a photo of somebody standing straight, with arms a little away from the body.",
        "garment_not_visible": "Use a photo that shows the whole garment: no bag, hair or arms before it, not too "
        "close.",
        "low_light": "Use a brighter photo.",
        "blurred": "Use a sharper photo, in focus and not enlarged.",
        "not_an_image": "Save it as a JPEG, PNG or WebP picture.",
        "unsupported_format": "Save it as JPEG, PNG or WebP.",
        "truncated_image": "The file is damaged; export it anew.",
        "too_many_pixels": "Save it smaller; 2000 pixels of height are plenty.",
        "too_many_bytes": "Save it smaller; 2000 pixels of height are plenty.",
        "too_many_frames": "Save one picture instead of an animation.",
        "image_too_small": "Use a larger file; 1000 pixels of height are good.",
        "fetch_failed": "Check that the address opens in a browser, or send the file itself.",
        "blocked_url": "Give an address that begins with https:// and is open to everybody, or the file itself.",
    }
)
"""By code, for every one that a product photo can get."""


def about(reason: Reason) -> str:
    """What was found, with the part of the body where there is one, and what to do."""
    found = CODES[reason.code].text
    if reason.part:
        found = f"{found[:-1]} ({reason.part.replace('_', ' ')})."
    return f"{found} {ADVICE.get(reason.code, '')}".strip()


def about_error(error: TryonError) -> str:
    """What went wrong with a photo or a card, and what to do."""
    if isinstance(error, RefusedError):
        return " ".join(dict.fromkeys(about(reason) for reason in error.reasons))
    return f"{error.detail or CODES[error.code].text} {ADVICE.get(error.code, '')}".strip()
