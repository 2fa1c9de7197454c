"""What both sides of the wire agree on beside the messages themselves."""

from __future__ import annotations

MAX_PHOTOS = 8
"""Of one product."""
MAX_CALL = 80_000_000
"""Bytes of one call in all, over HTTP as over gRPC: four photos of 20 MB, the largest that are taken, or a shopper's of
that size and eight of a card with 7.5 MB each. Nine of the largest would be 180 MB, and several copies of that while
they are passed on: two or three such calls would fill the machine that this is made for."""
TOO_LARGE = f"A call may have {MAX_CALL / 1e6:.0f} MB in all, photos and fields together."
"""Said of one that has more."""
MAX_MESSAGE = MAX_CALL + (1 << 20)
"""Bytes of a message: a call, and what is added to it on its way. gRPC's own limit would be 4 MB."""

ChannelOptions = tuple[tuple[str, str | int], ...]


def channel_options(most: int = MAX_MESSAGE) -> ChannelOptions:
    """For servers and channels alike. most: bytes of a message, either way."""
    return (("grpc.max_receive_message_length", most), ("grpc.max_send_message_length", most))
