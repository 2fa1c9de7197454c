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
