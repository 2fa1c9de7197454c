from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from image_builders import exif_block, xmp_packet

from tryon_service.imaging import metadata
from tryon_service.types import Credit

FULL = Credit("Ann", "(c) Ann", "Studio")


def iim(record: int, number: int, value: bytes) -> bytes:
    return struct.pack(">BBBH", 0x1C, record, number, len(value)) + value


def resource(identity: int, data: bytes, name: bytes = b"") -> bytes:
    pascal = bytes([len(name)]) + name
    pascal += b"\0" * (len(pascal) % 2)
    return (
        b"8BIM" + struct.pack(">H", identity) + pascal + struct.pack(">I", len(data)) + data + b"\0" * (len(data) % 2)
    )


def test_xmp_elements() -> None:
    packet = xmp_packet(
        "<dc:creator><rdf:Seq><rdf:li>Ann</rdf:li><rdf:li>Bob</rdf:li></rdf:Seq></dc:creator>"
        '<dc:rights><rdf:Alt><rdf:li xml:lang="x-default">(c) Ann</rdf:li><rdf:li xml:lang="de">(c) A.</rdf:li>'
        "</rdf:Alt></dc:rights><photoshop:Credit>Studio</photoshop:Credit><dc:title>no</dc:title>"
    )
    assert metadata.read_credit(xmp=packet) == Credit("Ann; Bob", "(c) Ann", "Studio")


def test_xmp_attributes() -> None:
    assert metadata.read_credit(xmp=xmp_packet("", 'photoshop:Credit="Studio" dc:creator="Ann"')) == Credit(
        "Ann", "", "Studio"
    )


def test_xmp_with_padding() -> None:
    packet = xmp_packet("<dc:creator>Zoë</dc:creator>")
    assert metadata.read_credit(xmp=packet + b"  \n\0\0").creator == "Zoë"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-be"])
def test_a_doctype_ends_the_reading(encoding: str) -> None:
    packet = xmp_packet("<dc:creator>&who;</dc:creator>").decode()
    assert metadata.read_credit(xmp=f'<!DOCTYPE x [<!ENTITY who "Eve">]>{packet}'.encode(encoding)) == Credit()


@pytest.mark.parametrize(
    "packet",
    [
        b"<",
        b"not xml",
        b"<a>" * 200_000,
        b'<?xml version="1.0" encoding="no-such"?><a/>',
        xmp_packet("<dc:creator>Ann</dc:creator>")[:-5],
        xmp_packet("<dc:creator>Ann</dc:creator>" + " " * 1_000_000),
        b"\xff\xfe\x00",
    ],
)
def test_unreadable_xmp_is_no_credit(packet: bytes) -> None:
    assert metadata.read_credit(xmp=packet) == Credit()


def test_iptc() -> None:
    block = iim(1, 90, b"\x1b%G") + iim(2, 80, "Zoë".encode()) + iim(2, 80, b"Bob") + iim(2, 110, b"Studio")
    photoshop = metadata.PHOTOSHOP_HEADER + resource(0x03ED, b"abc", b"odd") + resource(0x0404, block)
    assert metadata.read_credit(iptc=photoshop) == Credit("Zoë; Bob", "", "Studio")


def test_iptc_in_latin_1() -> None:
    assert metadata.read_credit(iptc=resource(0x0404, iim(2, 116, b"\xa9 Zo\xeb"))).copyright == "© Zoë"


def test_exif() -> None:
    assert metadata.read_credit(exif=exif_block(1, "Ann", "(c) Ann")) == Credit("Ann", "(c) Ann", "")


def test_iptc_before_xmp_before_exif() -> None:
    iptc = metadata.write_iptc(Credit(creator="iptc"))
    xmp = metadata.write_xmp(Credit("xmp", "xmp", ""), "")
    exif = exif_block(1, "exif", "exif")
    assert metadata.read_credit(iptc, xmp, exif) == Credit("iptc", "xmp", "")


def test_texts_are_one_bounded_line() -> None:
    exif = exif_block(1, "Ann\n\x1b[31m\tLee  " + "x" * 2000)
    creator = metadata.read_credit(exif=exif).creator
    assert creator.startswith("Ann [31m Lee xx")
    assert len(creator) == metadata.MAX_TEXT


def test_nothing_to_write() -> None:
    assert metadata.write_xmp(Credit(), "") == b""
    assert metadata.write_xmp(Credit(" \n"), "") == b""
    assert metadata.write_iptc(Credit()) == b""


def test_iptc_is_cut_between_characters() -> None:
    written = metadata.write_iptc(Credit(creator="x" + "é" * 40, credit="Studio"))
    assert metadata.read_credit(iptc=written) == Credit("x" + "é" * 15, "", "Studio")


texts = st.text(st.characters(codec="utf-8"), max_size=60)


@given(texts, texts, texts)
def test_xmp_round_trip(creator: str, rights: str, credit: str) -> None:
    once = metadata.read_credit(xmp=metadata.write_xmp(Credit(creator, rights, credit), "compositeSynthetic"))
    assert metadata.read_credit(xmp=metadata.write_xmp(once, "x")) == once
    assert once.creator.replace(" ", "") in "".join(creator.split()) or not creator.isprintable()
    if creator.isprintable():
        assert once.creator == " ".join(creator.split())


@given(st.binary(max_size=300), st.sampled_from([b"", b"II*\0\x08\0\0\0", b"MM\0*\0\0\0\x08", b"8BIM\x04\x04\0\0"]))
def test_bytes_of_any_kind_never_raise(data: bytes, start: bytes) -> None:
    block = start + data
    assert isinstance(metadata.read_credit(block, block, block), Credit)
    assert 1 <= metadata.orientation(block) <= 8


def test_full_credit_round_trip() -> None:
    assert metadata.read_credit(iptc=metadata.write_iptc(FULL)) == FULL
    assert metadata.read_credit(xmp=metadata.write_xmp(FULL, "")) == FULL
