"""Secrets and people don't get through, whoever wrote the line; what a keeper needs to read does."""

from __future__ import annotations

import base64
import hashlib
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tryon_service.observability.scrub import HIDDEN, LONGEST, scrub, scrub_known

TOKEN = secrets.token_urlsafe(32)
SECRETS = {
    "API key": f"tryon_{secrets.token_hex(4)}_{TOKEN}",
    "widget token": f"tryonw.{secrets.token_urlsafe(60)}",
    "pose token": f"p1.k3.{secrets.token_urlsafe(300)}",
    "signature": secrets.token_urlsafe(16),
    "hex": hashlib.sha256(b"x").hexdigest(),
    "base64": base64.b64encode(secrets.token_bytes(32)).decode(),
    "long base64": base64.b64encode(secrets.token_bytes(300)).decode(),
    "uuid": "6f1c7f0e-0b0e-4a57-9d0e-3f2f7ad1c0de",
}
SENTENCES = (
    "{}",
    "key {} is not known",
    "({})",
    "'{}'",
    '{{"pose": "{}"}}',
    "Authorization: Bearer {}",
    "GET https://shop.example/v1/products/p1/render?pose={}&w=3 HTTP/1.1",
    "/v1/poses/{}/keypoints",
    "could not open /data/{}",
    "a={};b",
    "line\n{}\nline",
    "KeyError: {}!",
)


@pytest.mark.parametrize("kind", SECRETS)
@pytest.mark.parametrize("sentence", SENTENCES)
def test_secrets_are_hidden_wherever_they_stand(kind: str, sentence: str) -> None:
    secret = SECRETS[kind]
    shown = scrub(sentence.format(secret))
    pieces = [secret[start : start + 12] for start in range(0, len(secret) - 12, 4)]
    assert not [piece for piece in pieces if piece in shown]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("GET /v1/renders?sig=abc&w=3 HTTP/1.1", "GET /v1/renders HTTP/1.1"),
        ("fetching https://a.example/p.jpg?x=y failed", "fetching https://a.example/p.jpg failed"),
        ("redis://:hunter2@cache:6379/0 is down", f"redis://{HIDDEN}@cache:6379/0 is down"),
        ("password=hunter2, next", f"password={HIDDEN}, next"),
        ("{'api_key': 'short', 'w': 3}", f"{{'api_key': '{HIDDEN}', 'w': 3}}"),
        ("X-Api-Key: short", f"X-Api-Key: {HIDDEN}"),
        ("Set-Cookie: a=b", f"Set-Cookie: {HIDDEN}"),
        ("pose=name:standing&w=3", f"pose={HIDDEN}&w=3"),
        ("Basic dXNlcg==", HIDDEN),
        (f"got {bytes(range(200))!r}", f"got b{HIDDEN}"),
        (f"got {bytes(range(200))!r}"[:300], f"got b{HIDDEN}"),
        ("mail from ann.lee+x@mail.example.com", f"mail from {HIDDEN}"),
        ("Invalid request from ip=93.184.216.34: x", f"Invalid request from ip={HIDDEN}: x"),
        ("peer ipv6:[2606:4700::1111]:443 left", f"peer ipv6:[{HIDDEN}]:443 left"),
    ],
)
def test_what_is_hidden_by_its_name_or_place(text: str, shown: str) -> None:
    assert scrub(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "Listening at: http://127.0.0.1:8080 (12)",
        "[::1]:8080",
        'File "/opt/tryon/tryon_service/observability/metrics.py", line 12, in exposition',
        '  File "/usr/lib/python3.11/concurrent/futures/thread.py", line 58, in run',
        "tryon_service.errors.UnavailableError: The render engine is not available.",
        "worker 4321 hung for 20.1 s; restarted at 2026-11-21T18:35:33.123Z",
        "fetching selfie_segmenter_landscape.tflite from mediapipe",
        "DeadlineExceededError in ThreadPoolExecutor-0_12",
        "What happened? Nothing.",
        "tests/observability/test_scrub.py::test_readable[3]",
        "storage_unavailable: TRYON_INDEX_URL does not answer",
        "products[1]: 12000 x 9000 = 108.0 megapixels; at most 60.0 are accepted.",
        "the pose token has expired; token bucket; a signature; cookies",
    ],
)
def test_what_a_keeper_needs_stays_readable(text: str) -> None:
    assert scrub(text) == text


def test_random_tokens_hardly_ever_look_like_words() -> None:
    through = [token for token in (secrets.token_urlsafe(16) for _ in range(20_000)) if scrub(token) == token]
    assert len(through) <= 1


def test_a_long_text_is_cut_without_leaving_half_a_secret() -> None:
    for shift in range(0, 40, 3):
        text = "x " * ((LONGEST - 20 - shift) // 2) + TOKEN + " behind"
        shown = scrub(text)
        assert TOKEN[:8] not in shown
        assert len(shown) <= LONGEST + 20
    assert len(scrub("A" * 10_000_000)) < 100


def test_ids_keep_their_randomness_but_no_credential() -> None:
    assert scrub_known(SECRETS["uuid"]) == SECRETS["uuid"]
    for kind in ("API key", "widget token"):
        assert TOKEN[:6] not in scrub_known(f"id {SECRETS[kind]} x")
        assert scrub_known(SECRETS[kind]) == HIDDEN


@given(st.text(max_size=200))
def test_any_text_goes_through_without_an_error(text: str) -> None:
    scrub(text)
