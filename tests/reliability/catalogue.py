"""Every fault that is injected, and what may come of it."""

from __future__ import annotations

from tests.reliability import outside, processes, storage
from tests.reliability.faults import Fault
from tests.reliability.shop import CUT_OFF, OK, REFUSED_CONNECTION

NONE: frozenset[str] = frozenset()
ENGINE_GONE = frozenset({"engine_unavailable", "deadline_exceeded", "overloaded"})
"""All of them can be tried again."""
GATEWAY_GONE = frozenset({CUT_OFF, REFUSED_CONNECTION, "engine_unavailable"})
"""The last where a gateway that ends cancels what it has asked the engine."""
NOT_KEPT = frozenset({"storage_full", "storage_unavailable"})
"""What those are told who change products; shoppers are not."""
PAST = frozenset({"expired_pose", "invalid_signature"})
"""What tokens and links come to by a clock that is a day ahead."""

FAULTS = (
    Fault("worker killed (kill -9)", processes.plain, processes.kill("worker"), ENGINE_GONE, 1.0, short=True),
    Fault("engine killed (kill -9)", processes.plain, processes.kill("engine"), ENGINE_GONE, 10.0),
    Fault(
        "gateway worker killed (kill -9)", processes.plain, processes.kill("gateway", 1), GATEWAY_GONE, 3.0,
        loses_use=True, short=True,
    ),
    Fault("gateway master killed (kill -9)", processes.plain, processes.kill("gateway"), GATEWAY_GONE, 10.0),
    Fault("worker frozen for 20 s", processes.plain, processes.freeze("worker"), ENGINE_GONE, -4.0),
    Fault("engine frozen for 20 s", processes.plain, processes.freeze("engine"), ENGINE_GONE, 2.0),
    Fault("worker out of memory", processes.plain, processes.exhaust_memory, ENGINE_GONE, 4.0),
    Fault(
        "gateway out of descriptors for 10 s", processes.plain, processes.exhaust_descriptors("gateway", 1),
        GATEWAY_GONE | NOT_KEPT, 3.0,
    ),
    Fault(
        "engine out of descriptors for 10 s", processes.plain, processes.exhaust_descriptors("engine", 0),
        ENGINE_GONE | NOT_KEPT, 1.0,
    ),
    Fault("analyses damaged on disk, worker killed", processes.plain, storage.damage_analyses, ENGINE_GONE, 1.0,
          short=True),
    Fault("network file damaged for 10 s, worker killed", storage.own_zoo, storage.damage_network, ENGINE_GONE, 10.0),
    Fault("disk full for 10 s", storage.small_disk, storage.fill_disk, NOT_KEPT, 1.0, short=True),
    Fault("disk read-only for 10 s", storage.small_disk, storage.make_read_only, NOT_KEPT, 1.0),
    Fault("slow network to the engine for 10 s", outside.far_engine, outside.slow_network, NONE, 0.0),
    Fault("network to the engine cut again and again for 10 s", outside.far_engine, outside.broken_network,
          ENGINE_GONE, 3.0),
    Fault("no network to the engine for 10 s", outside.far_engine, outside.no_network, ENGINE_GONE, 3.0),
    Fault("silent network to the engine for 10 s", outside.far_engine, outside.silent_network, ENGINE_GONE, 3.0),
    Fault("Redis stopped for 10 s", outside.shared_counts, outside.stop_redis, NONE, 0.0),
    Fault("Redis frozen for 20 s", outside.shared_counts, outside.freeze_redis, NONE, 0.0),
    Fault("clock 25 hours ahead for 10 s", outside.own_clock, outside.jump(25, "expired_pose"), PAST, 1.0),
    Fault("clock 25 hours behind for 10 s", outside.own_clock, outside.jump(-25, OK), NONE, 0.0),
    Fault(
        f"{processes.ROUNDS} times SIGTERM to a gateway and the engine", processes.twins,
        processes.roll(processes.ROUNDS), NONE, 0.0, load=0.5,
    ),
)  # fmt: skip
