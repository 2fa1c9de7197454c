"""What a process that holds strangers' photos gives up: core dumps, memory without end, and outliving its parent."""

from __future__ import annotations

import ctypes
import os
import resource
import signal

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_M_ARENA_MAX = -8
_ARENAS = 4
"""Heaps of glibc's allocator. Each reserves address space, by default eight for every CPU of the machine."""


def no_core_dumps() -> None:
    """Photos in memory never reach a core file; processes forked from this one inherit that.

    The limit alone doesn't hold where the kernel pipes cores away.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0)


def die_with(parent: int, by: signal.Signals = signal.SIGKILL) -> None:
    """Get this signal, by default one that no stopped process survives, as soon as the thread of the parent that made
    this process ends. parent: its process id."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, by)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def limit_memory(size: int) -> None:
    """size: bytes of address space beyond which an allocation fails."""
    ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _ARENAS)
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
