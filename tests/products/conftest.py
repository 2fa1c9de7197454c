"""A store in a folder, and a Redis of the tests' own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import redis
from redis_servers import wait_for_redis
from wiped import Home

from tryon_service.products.folder import FolderStore


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """URL of a Redis that listens on a socket in a folder of its own; skips where none is installed."""
    if shutil.which("redis-server") is None:
        pytest.skip("no redis-server is installed (Debian: redis-server)")
    # A socket's path may have 107 characters, so pytest's folders won't do.
    with tempfile.TemporaryDirectory(prefix="redis") as folder:
        socket = Path(folder) / "redis.sock"
        command = ["redis-server", "--port", "0", "--unixsocket", str(socket), "--dir", folder, "--save", ""]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_for_redis(f"unix://{socket}")
            yield f"unix://{socket}"
        finally:
            server.terminate()
            server.wait(60)


@pytest.fixture
def redis_url(redis_server: str) -> str:
    """The same, emptied."""
    with redis.Redis.from_url(redis_server) as client:
        client.flushall()
    return redis_server


@pytest.fixture(scope="session")
def bucket() -> Iterator[str]:
    """URL of a bucket behind the S3 protocol; skips where the client or the server of these tests is not installed."""
    s3fs = pytest.importorskip("s3fs", reason="no s3fs is installed (the extra scale)")
    server = pytest.importorskip("moto.server", reason="no server of S3 is installed (pip install 'moto[server]')")
    running = server.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "of-the-tests")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem().mkdir("photos")
        yield "s3://photos"
    running.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "products"


@pytest.fixture
def products(path: Path) -> Iterator[FolderStore]:
    with closing(FolderStore(path)) as store:
        yield store


@pytest.fixture(params=["folder", "remote"])
def home(request: pytest.FixtureRequest, tmp_path: Path) -> Home:
    """Of a store of either kind."""
    redis_url = "" if request.param == "folder" else request.getfixturevalue("redis_url")
    return Home(tmp_path / "home", redis_url)
