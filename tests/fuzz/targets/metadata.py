"""Exif, IPTC and XMP: who made a photo and which way is up, and what is written of it into our pictures."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tests.fuzz.oracles import affordable
from tryon_service.imaging import metadata
from tryon_service.types import Credit

SECONDS, MEGABYTES = 1.0, 32.0
WORDS = (
    b"Photoshop 3.0\0", b"8BIM\x04\x04", b"\x1c\x02\x50", b"\x1c\x02\x74", b"\x1c\x02\x6e", b"\x1b%G", b"II*\0",
    b"MM\0*", b"\x01\x12", b"\x82\x98", b"\x01\x3b", b"<!DOCTYPE", b"<!ENTITY", b"&a;", b"<?xml version=\"1.0\"",
    b"encoding=\"", b"<dc:creator>", b"<rdf:li>", b"photoshop:Credit=\"",
    b"xmlns:dc=\"http://purl.org/dc/elements/1.1/\"",
)  # fmt: skip
CREDIT = Credit("Ann & Bob", "© 2026 <Shop>", 'The "Shop"')
_BETWEEN = b"\xff\xfe\xfd\xfc"
"""Parts the three blocks of an input."""
DOCTYPE = re.compile(rb"\s*(<\?xml [^?]*\?>\s*)?<!DOCTYPE")
"""Where it is one; elsewhere, as in a comment, it is a word."""


def seeds() -> Iterator[bytes]:
    exif = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    yield _BETWEEN.join((metadata.write_iptc(CREDIT), metadata.write_xmp(CREDIT, "compositeSynthetic"), exif))
    yield _BETWEEN.join((b"", b'<!DOCTYPE x [<!ENTITY a "ha">]><x>&a;</x>', b"II*\0" + b"\xff" * 30))


def check(data: bytes) -> None:
    iptc, xmp, exif = (data.split(_BETWEEN, 2) + [b"", b""])[:3]
    with affordable(SECONDS, MEGABYTES):
        assert 1 <= metadata.orientation(exif) <= 8
        credit = metadata.read_credit(iptc, xmp, exif)
    texts = (credit.creator, credit.copyright, credit.credit)
    assert all(len(text) <= metadata.MAX_TEXT and "\n" not in text and "\0" not in text for text in texts)
    if DOCTYPE.match(xmp):
        assert metadata.read_credit(xmp=xmp) == Credit(), "XML with a DOCTYPE is ignored whole"
    if any(texts):
        assert metadata.read_credit(xmp=metadata.write_xmp(credit, "")) == credit, "what is written is read again"
        short = metadata.read_credit(iptc=metadata.write_iptc(credit))
        assert credit.creator.startswith(short.creator)
        assert credit.copyright.startswith(short.copyright)
