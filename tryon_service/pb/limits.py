"""What both sides of the wire agree on beside the messages themselves."""

from __future__ import annotations

MAX_MESSAGE = 192 << 20
"""Bytes of a message: a shopper's photo and eight of a product, 20 MB each, with room to spare. gRPC's own limit would
be 4 MB."""

ChannelOptions = tuple[tuple[str, str | int], ...]


def channel_options(most: int = MAX_MESSAGE) -> ChannelOptions:
    """For servers and channels alike. most: bytes of a message, either way."""
    return (("grpc.max_receive_message_length", most), ("grpc.max_send_message_length", most))
