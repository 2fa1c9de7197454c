"""What a process gives up, seen from inside and out; the worker of the engine is looked at in tests/engine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

NO_CORES = """
import ctypes, os, resource
from tryon_service.confine import no_core_dumps
PR_GET_DUMPABLE = 3
no_core_dumps()
if os.fork() == 0:
    print(resource.getrlimit(resource.RLIMIT_CORE), ctypes.CDLL(None).prctl(PR_GET_DUMPABLE))
else:
    os.wait()
"""

CHILD = """
import os, signal, sys, time
from tryon_service.confine import die_with
parent = os.getpid()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, lambda *_: (print("told", flush=True), os._exit(0)))
    die_with(parent, signal.SIGTERM)
    print("ready", flush=True)
    time.sleep(30)
    print("not told", flush=True)
time.sleep(30)
"""


def test_no_core_is_dumped_by_a_process_or_by_what_it_forks() -> None:
    done = subprocess.run([sys.executable, "-c", NO_CORES], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "(0, 0) 0"


def test_a_child_hears_that_its_parent_was_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", CHILD], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == "ready\n"
        os.kill(parent.pid, signal.SIGKILL)
        assert parent.stdout.readline() == "told\n"


FREED = """
import threading
from tryon_service.confine import give_memory_back
give_memory_back()

def resident():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmRSS"))

def pass_on(_):
    held = [bytearray(600_000 + 1000 * n) for n in range(20)]
    kept.append(bytes(40))  # a little thing that stays, behind all of them

kept = []
before = resident()
for _ in range(5):
    threads = [threading.Thread(target=pass_on, args=(n,)) for n in range(20)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
print(resident() - before)
"""


def test_what_many_threads_passed_on_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", FREED], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 5.0, "MB"


STAYS = """
import threading
from tryon_service.confine import end_within
threading.Thread(target=threading.Event().wait).start()
end_within(1)
"""


def test_a_process_that_is_told_to_end_does_so_whatever_its_threads_wait_for() -> None:
    done = subprocess.run([sys.executable, "-c", STAYS], check=False, timeout=60)
    assert done.returncode == -signal.SIGALRM


SETTLED = """
import gc
from tryon_service.confine import settle
settle()
made = gc.get_freeze_count()
ring = []
ring.append(ring)
del ring
print(made > 1000, gc.collect())
"""


def test_what_a_settled_process_makes_is_still_collected() -> None:
    done = subprocess.run([sys.executable, "-c", SETTLED], capture_output=True, text=True, check=True)
    assert done.stdout == "True 1\n"


USED_UP = """
import resource
from tryon_service.confine import memory_is_used_up

def left(megabytes):
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + megabytes * 1024 * 1024, resource.RLIM_INFINITY))
    return memory_is_used_up()

print(memory_is_used_up(), left(200), left(10), left(0))
"""


def test_memory_is_used_up_when_hardly_any_is_left() -> None:
    done = subprocess.run([sys.executable, "-c", USED_UP], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False", "True", "True"]
