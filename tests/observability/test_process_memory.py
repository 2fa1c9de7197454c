"""Memory of this process, of others, and of none."""

from __future__ import annotations

import mmap
import os

from tryon_service.observability.process_memory import memory_of

MB = 1 << 20


def test_what_is_reserved_and_what_is_held() -> None:
    before = memory_of()
    assert 1 * MB < before.resident < before.address_space
    with mmap.mmap(-1, 256 * MB) as reserved:
        after = memory_of(os.getpid())
        assert after.address_space - before.address_space >= 256 * MB
        assert after.resident - before.resident < 64 * MB, "nothing has been written to it"
        reserved.write(b"x" * (128 * MB))
        assert memory_of().resident - after.resident > 64 * MB


def test_a_process_that_is_gone_holds_nothing() -> None:
    assert memory_of(2**22 + 1) == (0, 0)
