"""Who gets in, with what, from where, how often; and that it is counted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import g
from guarded_app import SHOP, Bench, bench

from tryon_service.errors import UnavailableError
from tryon_service.gateway.auth import caller, needs


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Bench]:
    with bench(tmp_path, cors_origins=(SHOP,)) as made:
        add_routes(made)
        yield made


def add_routes(made: Bench) -> None:
    @made.app.get("/v1/open")
    def open_to_all() -> str:
        return "open"

    @made.app.post("/v1/render/<product_id>")
    @needs("render")
    def render(product_id: str) -> str:
        caller().require_product(product_id)
        if product_id == "busy":
            raise UnavailableError("overloaded")
        if product_id == "gone":
            raise UnavailableError("engine_unavailable")
        if product_id == "bug":
            raise ZeroDivisionError
        return f"{caller().store} {caller().kind}"

    @made.app.post("/v1/upload")
    @needs("render")
    def upload() -> str:
        caller().require_product(None)
        return "taken"

    @made.app.post("/v1/admin")
    @needs("admin", kinds=("key",))
    def admin() -> str:
        return "done"


def code(answer: object) -> str:
    return answer.get_json()["code"] if answer.is_json else "ok"  # type: ignore[attr-defined,no-any-return]


def test_a_key_gets_in_and_says_whose_it_is(guarded: Bench) -> None:
    assert guarded.post("/v1/render/a", {}).text == "shop key"
    assert guarded.post("/v1/render/a", {}, guarded.key("other")).text == "other key"
    assert guarded.client.get("/v1/open").text == "open"


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Basic dXNlcjpwYXNz", "tryon_a_b", "Bearer tryon_a_b", "Bearer tryonw.AAAA",
     "Bearer nothing", "Bearer Bearer", "bearer\ttryon_a_b", "Bearer " + "x" * 5000, "Bearer \xff\xfe"],
)  # fmt: skip
def test_without_a_valid_one_it_is_401(guarded: Bench, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header}
    answer = guarded.client.post("/v1/render/a", headers=headers)
    assert (answer.status_code, code(answer)) == (401, "unauthorized")
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert guarded.client.get("/v1/open", headers=headers).text == "open", "open routes don't mind"


def test_the_scheme_is_read_in_any_case(guarded: Bench) -> None:
    headers = {"Authorization": f"bEARER {guarded.key()}"}
    assert guarded.client.post("/v1/render/a", headers=headers).status_code == 200


def test_scopes_are_what_they_say(guarded: Bench) -> None:
    admin = guarded.key(scopes=("admin",))
    assert guarded.post("/v1/admin", {}, admin).status_code == 200
    for path, text in (("/v1/render/a", admin), ("/v1/admin", guarded.key()), ("/v1/admin", guarded.token())):
        answer = guarded.post(path, {}, text, SHOP)
        assert (answer.status_code, code(answer)) == (403, "forbidden")


def test_revoking_reaches_keys_and_their_tokens_with_the_next_call(guarded: Bench) -> None:
    token = guarded.token()
    assert guarded.post("/v1/render/a", {}, token, SHOP).text == "shop widget"
    guarded.access.keys.revoke(guarded.key().split("_")[1])
    assert code(guarded.post("/v1/render/a", {})) == "unauthorized"
    assert code(guarded.post("/v1/render/a", {}, token, SHOP)) == "unauthorized"


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "null",
        "https://evil.example",
        "https://shop.example.evil.example",
        "http://shop.example",
        "https://shop.example:8443",
        "https://SHOP.example",
    ],
)
def test_a_token_replayed_from_another_origin(guarded: Bench, origin: str | None) -> None:
    token = guarded.token(uses=1)
    answer = guarded.post("/v1/render/a", {}, token, origin)
    assert (answer.status_code, code(answer)) == (403, "forbidden")
    assert guarded.post("/v1/render/a", {}, token, SHOP).status_code == 200, "and it has cost no use"


def test_a_token_is_for_its_products(guarded: Bench) -> None:
    token = guarded.token(product_ids=["a", "b"])
    assert [guarded.post(f"/v1/render/{name}", {}, token, SHOP).status_code for name in "abc"] == [200, 200, 403]
    for any_token in (token, guarded.token()):
        assert code(guarded.post("/v1/upload", {}, any_token, SHOP)) == "forbidden", "never for other photos"
    assert guarded.post("/v1/upload", {}).text == "taken"


def test_a_token_is_spent(guarded: Bench) -> None:
    token = guarded.token(uses=2)
    answers = [guarded.post("/v1/render/a", {}, token, SHOP) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 403]
    assert code(answers[-1]) == "token_spent"


@pytest.mark.parametrize("failing", ["busy", "gone", "bug"])
def test_failures_of_ours_cost_no_use(guarded: Bench, failing: str) -> None:
    guarded.app.config["PROPAGATE_EXCEPTIONS"] = False
    token = guarded.token(uses=1)
    for _ in range(3):
        assert guarded.post(f"/v1/render/{failing}", {}, token, SHOP).status_code >= 429
    assert guarded.post("/v1/render/a", {}, token, SHOP).status_code == 200
    assert code(guarded.post("/v1/render/a", {}, token, SHOP)) == "token_spent"


def test_tokens_mint_no_tokens(guarded: Bench) -> None:
    answer = guarded.post("/v1/widget-tokens", {"origin": SHOP, "all": True}, guarded.token(), SHOP)
    assert (answer.status_code, code(answer)) == (403, "forbidden")


def test_tokens_of_another_service_or_after_a_rotation(guarded: Bench, tmp_path: Path) -> None:
    with bench(tmp_path / "other") as other:
        add_routes(other)
        other.key()
        assert code(other.post("/v1/render/a", {}, guarded.token(), SHOP)) == "unauthorized"
        assert code(other.post("/v1/render/a", {}, guarded.key())) == "unauthorized"


def test_limits_come_before_everything_else(tmp_path: Path) -> None:
    with bench(tmp_path, rate_address="3/minute") as made:
        add_routes(made)
        answers = [made.client.post("/v1/render/a", headers={"Authorization": "Bearer guess"}) for _ in range(5)]
        assert [answer.status_code for answer in answers] == [401, 401, 401, 429, 429]
        assert int(answers[-1].headers["Retry-After"]) > 0
        assert made.client.options("/v1/render/a").status_code == 200, "a browser asks first, and would hide the limit"


def test_calls_are_counted_for_the_key_behind_them(guarded: Bench) -> None:
    token = guarded.token(uses=3)
    guarded.post("/v1/render/a", {}, token, SHOP)
    guarded.post("/v1/render/a", {})
    guarded.post("/v1/admin", {})
    guarded.client.post("/v1/render/a")
    guarded.access.usage.flush()
    counts = {(row.store, row.route, row.outcome): row.count for row in guarded.access.usage.rows()}
    assert counts == {
        ("shop", "links.mint", "ok"): 1,
        ("shop", "render", "ok"): 2,
        ("shop", "admin", "error"): 1,
    }


def test_a_lost_key_file_is_our_failure(guarded: Bench, tmp_path: Path) -> None:
    guarded.key()
    (tmp_path / "keys.db").write_bytes(b"nonsense" * 2000)
    answer = guarded.post("/v1/render/a", {})
    assert (answer.status_code, code(answer)) == (503, "storage_unavailable")
    assert guarded.client.get("/v1/open").text == "open"
    guarded.access.usage.close()


def test_calls_do_not_see_each_others_callers(guarded: Bench) -> None:
    @guarded.app.get("/v1/who")
    def who() -> str:
        return "nobody" if g.caller is None else str(g.caller.store)

    client = guarded.client
    assert client.get("/v1/who", headers=guarded.headers()).text == "shop"
    assert client.get("/v1/who").text == "nobody"
