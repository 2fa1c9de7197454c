"""Built images, run from their root file systems as a container would be, without a container engine: in namespaces of
their own, as the image's user, with a read-only root. Needs buildah, root and Linux.

with mounted("tryon-gateway:0.1.0") as image, Place(folder) as place:
    process = place.start(image, {"TRYON_PORT": "8080"}, image.command)
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN = r"""
set -eu
root="$1" data="$2" run="$3" user="$4"
shift 4
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for node in null zero random urandom; do
  touch "$root/dev/$node"
  mount --bind "/dev/$node" "$root/dev/$node"
done
mkdir -m 1777 "$root/dev/shm"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/dev/shm"
mount -t tmpfs -o size=64m,mode=1777 tmpfs "$root/tmp"
mount --bind "$data" "$root/var/lib/tryon"
mount --bind "$run" "$root/run/tryon"
mount -o remount,bind,ro "$root"
exec chroot --userspec="$user" "$root" "$@"
"""
"""Mounts what is declared to be writable, makes the rest read-only, and becomes the program, whose process id is 1."""


@dataclass(frozen=True)
class Image:
    """root: its file system; config: as Docker's format has it."""

    name: str
    root: Path
    config: dict[str, Any]

    @property
    def command(self) -> list[str]:
        return [*self.config["Entrypoint"], *self.config["Cmd"]]

    @property
    def environ(self) -> dict[str, str]:
        return dict(one.split("=", 1) for one in self.config["Env"])

    @property
    def healthcheck(self) -> list[str]:
        kind, *words = self.config["Healthcheck"]["Test"]
        assert kind == "CMD", "without a shell"
        return list(words)


@dataclass(frozen=True)
class Place:
    """What containers of one machine share: the runtime folder; each has a data folder of its own below folder."""

    folder: Path

    def start(
        self, image: Image, environ: dict[str, str], command: Sequence[str], *, network: bool = True
    ) -> subprocess.Popen[bytes]:
        """The process outside, whose only child is the image's program. network: False for none at all."""
        data, run = self.folder / image.name.partition(":")[0], self.folder / "run"
        user = image.config["User"]
        for one in (data, run):
            one.mkdir(mode=0o700, exist_ok=True)
            os.chown(one, *map(int, user.split(":")))
        words = ["env", "-i", *(f"{name}={value}" for name, value in {**image.environ, **environ}.items()), *command]
        apart = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *(() if network else ("--net",))]
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(
                [*apart, "sh", "-c", RUN, "sh", str(image.root), str(data), str(run), user, *words],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip

    def output(self, image: Image, environ: dict[str, str], command: Sequence[str]) -> str:
        """What a command in a new container prints, with the log's last lines. Raises AssertionError if it fails."""
        printed = f"{shlex.join(command)} >/run/tryon/printed"
        process = self.start(image, environ, ["sh", "-c", printed])
        assert process.wait(60) == 0, (self.folder / "log").read_text()[-2000:]
        return (self.folder / "run" / "printed").read_text()


@contextmanager
def mounted(name: str) -> Iterator[Image]:
    """A container made of a local image, gone afterwards."""
    config = json.loads(buildah("inspect", "--type", "image", name))["Docker"]["config"]
    container = buildah("from", "--pull-never", name)
    try:
        yield Image(name, Path(buildah("mount", container)), config)
    finally:
        buildah("rm", container)


def buildah(*words: str) -> str:
    return subprocess.run(["buildah", *words], capture_output=True, text=True, check=True).stdout.strip()


def megabytes(name: str) -> float:
    """Of an image's files, a base's included, 10**6 bytes each."""
    with mounted(name) as image:
        counted = subprocess.run(
            ["du", "-s", "--block-size=1", str(image.root)], capture_output=True, text=True, check=True
        )
        return int(counted.stdout.split()[0]) / 1e6
