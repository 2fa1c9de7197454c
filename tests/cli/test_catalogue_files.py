"""Photos of a catalogue come from beside it, and from the hosts that it names itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.cli.catalogue_files import PhotoReader, hosts_of, read_catalogue
from tryon_service.errors import InputError
from tryon_service.fetch.hosts import Host
from tryon_service.onboarding.catalogue import Card


def card(*photos: str) -> Card:
    return Card(2, "a", photos, (None,) * len(photos), "r")


def test_hosts_are_those_of_the_catalogue() -> None:
    cards = [
        card("a.jpg", "https://a.example/1.jpg", "HTTPS://a.example/2.jpg"),
        card("http://b.example:8080/x", "https://*.com/x", "https://", "http://[::", "ftp://c.example/x"),
    ]
    assert hosts_of(cards) == (Host("a.example"), Host("b.example", plain=True, port=8080))
    assert hosts_of([card("a.jpg")]) == ()


def test_paths_begin_at_the_catalogue(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "1.jpg").write_bytes(b"one")
    reader = PhotoReader(tmp_path, [])
    assert reader("photos/1.jpg", "photos[0]") == b"one"
    assert reader(str(tmp_path / "photos" / "1.jpg"), "photos[0]") == b"one"
    with pytest.raises(InputError) as caught:
        reader("photos", "photos[3]")
    assert caught.value.field == "photos[3]"


@pytest.mark.parametrize("url", ["https://127.0.0.1/1.jpg", "https://169.254.169.254/", "https://[::1]/1.jpg"])
def test_addresses_of_our_own_networks_stay_closed(tmp_path: Path, url: str) -> None:
    with pytest.raises(InputError) as caught:
        PhotoReader(tmp_path, [card(url)])(url, "photos[0]")
    assert (caught.value.code, caught.value.field) == ("blocked_url", "photos[0]")


def test_a_catalogue_that_is_a_folder_or_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="can't be read"):
        read_catalogue(tmp_path)
    file = tmp_path / "catalogue.csv"
    file.write_text("id,photos,rights_reference\n")
    monkeypatch.setattr("tryon_service.cli.catalogue_files.MOST_BYTES", 10)
    with pytest.raises(InputError) as caught:
        read_catalogue(file)
    assert caught.value.code == "too_many_bytes"
