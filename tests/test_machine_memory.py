"""How much memory there is, read from the kernel's files as they look in containers and outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from tryon_service.machine_memory import memory_limit

MB = 1 << 20
UNLIMITED = str((1 << 63) - 4096)
"""What version 1 of control groups says for none."""


def machine(root: Path, groups: str, **files: str) -> Path:
    """A machine with 4096 MB. groups: /proc/self/cgroup; files: by their path, "__" for "/" and "-" for "."."""
    made = {"proc/self/cgroup": groups, "proc/meminfo": f"MemFree: 1 kB\nMemTotal:  {4096 * 1024} kB\nSwap: 9 kB\n"}
    for name, content in {**made, **{f"sys/fs/cgroup/{path}": text for path, text in files.items()}}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    return root


def test_without_a_limit_it_is_the_machines(tmp_path: Path) -> None:
    assert memory_limit(machine(tmp_path, "0::/\n")) == 4096 * MB
    assert memory_limit(machine(tmp_path, "0::/\n", **{"memory.max": "max\n"})) == 4096 * MB
    assert memory_limit(machine(tmp_path, "4:memory:/\n", **{"memory/memory.limit_in_bytes": UNLIMITED})) == 4096 * MB


@pytest.mark.parametrize("own", ["max", str(1024 * MB)])
def test_the_narrowest_of_the_groups_above_counts(tmp_path: Path, own: str) -> None:
    files = {"a/memory.max": str(512 * MB), "a/b/memory.max": own, "c/memory.max": "1", "memory.max": "max"}
    assert memory_limit(machine(tmp_path, "0::/a/b\n", **files)) == 512 * MB


def test_a_container_sees_its_own_group_as_the_topmost(tmp_path: Path) -> None:
    groups = "5:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/system.slice/docker-x.scope\n"
    assert memory_limit(machine(tmp_path, groups, **{"memory/memory.limit_in_bytes": str(700 * MB)})) == 700 * MB
    assert memory_limit(machine(tmp_path, groups, **{"memory.max": str(600 * MB)})) == 600 * MB


def test_where_nobody_says_it_is_unknown(tmp_path: Path) -> None:
    assert memory_limit(tmp_path) == 0


def test_this_machine_has_some() -> None:
    assert memory_limit() > 256 * MB
