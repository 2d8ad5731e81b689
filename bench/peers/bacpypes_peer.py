"""BACpypes itself, as a peer: https://pypi.org/project/bacpypes.

    python3 bacpypes_peer.py round-trip | set-clear | deferred | tasks | suspend | cold COUNT

Reads a number of operations from a line, and answers with a line of JSON: {"samples": [4711, ...]}, in nanoseconds.
"""

import json
import random
import subprocess
import sys
import threading
import time

try:
    from bacpypes import core
    from bacpypes.event import WaitableEvent
    from bacpypes.task import FunctionTask, TaskManager
except ImportError as error:
    core = None
    reason = f"python3 has no BACpypes: {error}"

BATCH = 1000


def since(before):
    return time.perf_counter_ns() - before


class RoundTrip:
    """Two threads that block in wait()."""

    def __init__(self):
        self.there = WaitableEvent()
        self.back = WaitableEvent()
        threading.Thread(target=self.answer, daemon=True).start()

    def answer(self):
        while True:
            self.there.wait()
            self.there.clear()
            self.back.set()

    def measure(self, count):
        samples = []
        for _ in range(count):
            before = time.perf_counter_ns()
            self.there.set()
            self.back.wait()
            self.back.clear()
            samples.append(since(before))
        return samples


class SetClear:
    """One thread sets and clears."""

    def __init__(self):
        self.event = WaitableEvent()

    def measure(self, count):
        samples = []
        for _ in range(-(-count // BATCH)):
            before = time.perf_counter_ns()
            for _ in range(BATCH):
                self.event.set()
                self.event.clear()
            samples.append(since(before) / BATCH)
        return samples


def run():
    """The loop, until it is stopped. Signals stay as they are: a peer is killed with one."""
    core.run(sigterm=None, sigusr1=None)


class Deferred:
    """A thread defers functions, the main thread's loop runs them."""

    def measure(self, count):
        def arrive(_):
            self.left -= 1
            if self.left == 0:
                core.stop()

        def produce():
            self.before = time.perf_counter_ns()
            for _ in range(count):
                core.deferred(arrive, 42)

        self.left = count
        producer = threading.Thread(target=produce)
        # As the first thing in the loop: it is awake when the first one comes.
        core.deferred(producer.start)
        run()
        return [since(self.before) / count]


class Tasks:
    """Tasks at random times, from the first install to the last run."""

    def measure(self, count):
        self.left = count

        def body():
            self.left -= 1
            if self.left == 0:
                core.stop()

        TaskManager()
        times = [random.random() * count / 1e7 for _ in range(count)]
        before = time.perf_counter_ns()
        for delta in times:
            FunctionTask(body).install_task(delta=delta)
        run()
        return [since(before) / count]


class Suspend:
    """Tasks at random times that are taken out again."""

    def measure(self, count):
        TaskManager()
        tasks = [FunctionTask(lambda: None) for _ in range(count)]
        for task in tasks:
            task.install_task(delta=60 + random.random() * 60)
        before = time.perf_counter_ns()
        for task in tasks:
            task.suspend_task()
        return [since(before) / count]


class Cold:
    """What the first functions that a thread defers cost, in a fresh process each time."""

    def measure(self, count):
        line = [sys.executable, __file__, "cold-once", sys.argv[2]]
        times = [json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout) for _ in range(count)]
        return {"wall": [wall for wall, _ in times], "processor": [processor for _, processor in times]}


def cold_once(count):
    """Prints the wall time and the processor time of one batch."""
    before = time.process_time_ns()
    [each] = Deferred().measure(count)
    print(json.dumps([each * count, time.process_time_ns() - before]))


CONTENDERS = {
    "round-trip": RoundTrip,
    "set-clear": SetClear,
    "deferred": Deferred,
    "tasks": Tasks,
    "suspend": Suspend,
    "cold": Cold,
}


def main():
    if core is None:
        print(json.dumps({"skip": reason}), flush=True)
        return
    if sys.argv[1] == "cold-once":
        cold_once(int(sys.argv[2]))
        return
    contender = CONTENDERS[sys.argv[1]]()
    for line in sys.stdin:
        print(json.dumps({"samples": contender.measure(int(line))}), flush=True)


main()
