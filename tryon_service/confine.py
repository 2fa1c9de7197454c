"""What a process that holds strangers' photos gives up: core dumps, memory without end or need, outliving its parent,
going first, pausing, and staying when it is told to end."""

from __future__ import annotations

import ctypes
import errno
import gc
import os
import resource
import signal

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE = 1, 4
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8
_ARENAS = 4
"""Heaps of glibc's allocator. Each reserves address space, by default eight for every CPU of the machine."""
_LARGE = 256 << 10
"""Bytes from which a block is mapped on its own, and so given back as soon as it is free. Left alone, glibc raises the
bound with every photo, and dozens of threads that pass photos on each keep a heap with holes in it."""
_HARDLY = 32 << 20
"""Bytes of address space, of which a picture takes some hundred million."""
_NICE = 5
"""So much less than the processes that answer, which have little to do, does one that computes ask for a CPU."""


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


def memory_is_used_up() -> bool:
    """Whether hardly anything more can be had under the limit; then any error may be a failed allocation."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    try:
        with open("/proc/self/statm", "rb", buffering=0) as state:
            used = int(state.read(64).split()[0]) * resource.getpagesize()
    except MemoryError:
        return True
    except OSError as error:
        return error.errno == errno.ENOMEM
    return limit != resource.RLIM_INFINITY and limit - used < _HARDLY


def give_memory_back() -> None:
    """For a process of many threads that only pass large things on: what is freed goes back to the system."""
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_ARENA_MAX, _ARENAS)
    libc.mallopt(_M_MMAP_THRESHOLD, _LARGE)


def let_others_first() -> None:
    """For a process that computes: those that answer, and turn away what is too much, aren't kept waiting by it."""
    os.nice(_NICE)


def settle() -> None:
    """For a process that answers, once it has opened everything: what it consists of by now is never looked through for
    garbage again. That takes a tenth of a second each time, in which nobody is answered."""
    gc.collect()
    gc.freeze()


def end_within(seconds: int) -> None:
    """From now on this process is ended by the system (SIGALRM) if it hasn't ended by itself in time. An end waits for
    every thread, and gRPC's now and then don't."""
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(seconds)
