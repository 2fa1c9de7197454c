"""What is read from a photo's metadata (which way is up, who made it) and what is written (credit and AI mark).

Everything here parses bytes from strangers: nothing raises on bad input, lengths are bounded, XML with a DOCTYPE is
ignored whole (no entity is ever expanded). Standards: Exif 3.0 (TIFF IFD0), IPTC IIM 4.2, XMP (ISO 16684-1),
IPTC Photo Metadata 2023.1 for the AI mark.
"""

from __future__ import annotations

import struct
import unicodedata
from collections.abc import Iterator
from typing import Literal
from xml.parsers import expat
from xml.sax.saxutils import escape

from tryon_service.types import Credit

EXIF_ORIENTATION = 0x0112
EXIF_ARTIST = 0x013B
EXIF_COPYRIGHT = 0x8298

IPTC_CREATOR = (2, 80)
IPTC_CREDIT = (2, 110)
IPTC_COPYRIGHT = (2, 116)
IPTC_MAX_BYTES = {IPTC_CREATOR: 32, IPTC_CREDIT: 32, IPTC_COPYRIGHT: 128}
IPTC_UTF8 = b"\x1b%G"

PHOTOSHOP_HEADER = b"Photoshop 3.0\0"
IPTC_RESOURCE = 0x0404

DC = "http://purl.org/dc/elements/1.1/"
PHOTOSHOP = "http://ns.adobe.com/photoshop/1.0/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
IPTC_EXT = "http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
DIGITAL_SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/"

MAX_BLOCK_BYTES = 1_000_000
MAX_TEXT = 500
MAX_TAGS = 512


def orientation(exif: bytes) -> int:
    """The Exif orientation, 1 to 8; 1 when absent or nonsense."""
    raw = dict(_ifd0(exif)).get(EXIF_ORIENTATION, b"")
    value = int.from_bytes(raw[:2], _byte_order(exif)) if raw else 1
    return value if 1 <= value <= 8 else 1


def read_credit(iptc: bytes = b"", xmp: bytes = b"", exif: bytes = b"") -> Credit:
    """Who made a photo. iptc: Photoshop resource block of APP13; xmp: packet; exif: TIFF block.

    Each of the three texts is taken from the first block that has it, in the order IPTC, XMP, Exif, as the Metadata
    Working Group's guidelines order them.
    """
    sources = (_iptc_credit(iptc), _xmp_credit(xmp), _exif_credit(exif))
    return Credit(*(_clean(next(filter(None, texts), "")) for texts in zip(*sources, strict=True)))


def write_xmp(credit: Credit, mark: str) -> bytes:
    """A UTF-8 XMP packet with the credit and the AI mark, an IPTC digital source type's name; b"" if all are empty."""
    creator, rights, credit_line = (escape(_clean(text)) for text in (credit.creator, credit.copyright, credit.credit))
    properties = [
        f"<dc:creator><rdf:Seq><rdf:li>{creator}</rdf:li></rdf:Seq></dc:creator>" if creator else "",
        f'<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">{rights}</rdf:li></rdf:Alt></dc:rights>' if rights else "",
        f"<photoshop:Credit>{credit_line}</photoshop:Credit>" if credit_line else "",
        f"<Iptc4xmpExt:DigitalSourceType>{DIGITAL_SOURCE_TYPE}{escape(mark)}</Iptc4xmpExt:DigitalSourceType>"
        if mark
        else "",
    ]
    if not any(properties):
        return b""
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>'
        f'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="{RDF}">'
        f'<rdf:Description rdf:about="" xmlns:dc="{DC}" xmlns:photoshop="{PHOTOSHOP}" xmlns:Iptc4xmpExt="{IPTC_EXT}">'
        f"{''.join(properties)}"
        '</rdf:Description></rdf:RDF></x:xmpmeta><?xpacket end="r"?>'
    ).encode()


def write_iptc(credit: Credit) -> bytes:
    """A Photoshop resource block (the payload of a JPEG's APP13) with the credit; b"" if there is none."""
    texts = {IPTC_CREATOR: credit.creator, IPTC_CREDIT: credit.credit, IPTC_COPYRIGHT: credit.copyright}
    sets = [_iim(*key, _cut(_clean(text), IPTC_MAX_BYTES[key])) for key, text in texts.items() if _clean(text)]
    if not sets:
        return b""
    block = _iim(1, 90, IPTC_UTF8) + _iim(2, 0, b"\0\x04") + b"".join(sets)
    padding = b"\0" * (len(block) % 2)
    return PHOTOSHOP_HEADER + b"8BIM" + struct.pack(">HHI", IPTC_RESOURCE, 0, len(block)) + block + padding


def _clean(text: str) -> str:
    """One line of at most MAX_TEXT characters without control characters or anything XML forbids."""
    return " ".join("".join(filter(_printable, text[: 4 * MAX_TEXT])).split())[:MAX_TEXT].rstrip()


def _printable(character: str) -> bool:
    """Zero-width joiners are control characters to Unicode, yet part of correct spelling in many scripts."""
    return character.isspace() or character in "\u200c\u200d" or unicodedata.category(character)[0] != "C"


def _cut(text: str, max_bytes: int) -> bytes:
    return text.encode()[:max_bytes].decode(errors="ignore").encode()


def _decoded(raw: bytes) -> str:
    """UTF-8 if it is that, else Latin-1, which most old writers meant."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _byte_order(exif: bytes) -> Literal["big", "little"]:
    return "big" if _tiff(exif)[:2] == b"MM" else "little"


def _tiff(exif: bytes) -> bytes:
    return exif.removeprefix(b"Exif\0\0")


def _ifd0(exif: bytes) -> Iterator[tuple[int, bytes]]:
    """(tag, raw value) of the short, long and text entries in a TIFF block's first directory."""
    tiff = _tiff(exif)
    if tiff[:4] not in (b"II*\0", b"MM\0*"):
        return
    order = "<" if tiff[:2] == b"II" else ">"
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (count,) = struct.unpack_from(order + "H", tiff, start)
        for index in range(min(count, MAX_TAGS)):
            entry = start + 2 + 12 * index
            tag, kind, number = struct.unpack_from(order + "HHI", tiff, entry)
            length = number * {2: 1, 3: 2, 4: 4}.get(kind, 0)
            (position,) = (entry + 8,) if length <= 4 else struct.unpack_from(order + "I", tiff, entry + 8)
            yield tag, tiff[position : position + length]
    except struct.error:
        return


def _exif_credit(exif: bytes) -> tuple[str, str, str]:
    tags = dict(_ifd0(exif))
    artist, rights = (_decoded(tags.get(tag, b"").split(b"\0")[0]) for tag in (EXIF_ARTIST, EXIF_COPYRIGHT))
    return artist, rights, ""


def _iim(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def _iptc_credit(photoshop: bytes) -> tuple[str, str, str]:
    """IIM data sets of the IPTC resource; repeated by-lines are joined with "; "."""
    found: dict[tuple[int, int], list[str]] = {IPTC_CREATOR: [], IPTC_COPYRIGHT: [], IPTC_CREDIT: []}
    for record, number, value in _data_sets(_iptc_resource(photoshop[:MAX_BLOCK_BYTES])):
        if (record, number) in found:
            found[record, number].append(_decoded(value))
    return "; ".join(found[IPTC_CREATOR]), "".join(found[IPTC_COPYRIGHT][:1]), "".join(found[IPTC_CREDIT][:1])


def _iptc_resource(photoshop: bytes) -> bytes:
    """The IPTC resource's data in Photoshop image resources: "8BIM", id, name padded to even, length, data padded."""
    position = len(PHOTOSHOP_HEADER) if photoshop.startswith(PHOTOSHOP_HEADER) else 0
    while photoshop[position : position + 4] == b"8BIM" and position + 12 <= len(photoshop):
        (identity, name_length) = struct.unpack_from(">HB", photoshop, position + 4)
        start = position + 6 + (name_length + 2) // 2 * 2
        length = int.from_bytes(photoshop[start : start + 4], "big")
        if identity == IPTC_RESOURCE:
            return photoshop[start + 4 : start + 4 + length]
        position = start + 4 + (length + 1) // 2 * 2
    return b""


def _data_sets(block: bytes) -> Iterator[tuple[int, int, bytes]]:
    position = 0
    while block[position : position + 1] == b"\x1c" and position + 5 <= len(block):
        record, number, length = struct.unpack_from(">BBH", block, position + 1)
        if length & 0x8000:  # an extended data set: larger than any text of interest
            return
        yield record, number, block[position + 5 : position + 5 + length]
        position += 5 + length


class _DoctypeError(Exception):
    pass


class _CreditParser:
    """Collects dc:creator, dc:rights and photoshop:Credit from an XMP packet, as elements or as attributes."""

    WANTED = (f"{DC} creator", f"{DC} rights", f"{PHOTOSHOP} Credit")

    def __init__(self) -> None:
        self.found: dict[str, list[str]] = {name: [] for name in self.WANTED}
        self._property = ""
        self._depth = 0
        self._text: list[str] = []

    def parse(self, xmp: bytes) -> None:
        parser = expat.ParserCreate(namespace_separator=" ")
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._doctype
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.Parse(xmp, True)

    def _doctype(self, *_: object) -> None:
        raise _DoctypeError

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        for attribute, value in attributes.items():
            if attribute in self.found:
                self.found[attribute].append(value)
        if self._property:
            self._depth += 1
        elif name in self.found:
            self._property, self._depth = name, 1
        self._text.clear()

    def _end(self, _: str) -> None:
        if self._property:
            text = "".join(self._text).strip()
            if text:
                self.found[self._property].append(text)
            self._depth -= 1
            if not self._depth:
                self._property = ""
        self._text.clear()


def _xmp_credit(xmp: bytes) -> tuple[str, str, str]:
    """Several creators are joined with "; "; of a text in several languages the first, which is the default, counts."""
    if not xmp or len(xmp) > MAX_BLOCK_BYTES:
        return "", "", ""
    parser = _CreditParser()
    try:
        parser.parse(xmp.rstrip(b"\0"))
    except (expat.ExpatError, _DoctypeError, ValueError, LookupError):
        return "", "", ""
    creators, rights, credits = (parser.found[name] for name in parser.WANTED)
    return "; ".join(creators), "".join(rights[:1]), "".join(credits[:1])
