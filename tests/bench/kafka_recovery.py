#!/usr/bin/env python3
"""How long after `kill -9` and a restart the first new commit can be read.

    kafka_recovery.py FREEHOLD SALES_CSV CONFIG BROKER_SCRIPT PORT [KILLS [RATE]]

One node of the market with static membership takes RATE events a second (10,000)
from outside. It is killed and started again at once, KILLS times (5). Prints
the seconds from the start of the process to the first event that a reader
outside gets from it.
"""

import pathlib
import statistics
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]
                       / "integration" / "kafka"))

import chaos_test as chaos  # noqa: E402
from kafka_kit import own_broker  # noqa: E402

# What was on its way when the process died arrives by then.
LATE_S = 0.25


class Arrivals(threading.Thread):
    """The moments at which events are read outside."""

    def __init__(self, servers):
        super().__init__(daemon=True)
        self.kcat = subprocess.Popen(
            ["kcat", "-b", servers, "-C", "-E", "-u", "-q", "-t", chaos.JOURNAL,
             "-o", "end", "-f", "%o\n", "-X", "isolation.level=read_committed",
             "-X", "fetch.wait.max.ms=10"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.last = 0.0
        self.first_after = None
        self.mark = None

    def run(self):
        for _ in self.kcat.stdout:
            self.last = time.monotonic()
            if self.mark is not None and self.last > self.mark + LATE_S:
                self.first_after, self.mark = self.last - self.mark, None


def main():
    binary, sales, config, broker, port = sys.argv[1:6]
    kills = int(sys.argv[6]) if len(sys.argv) > 6 else 5
    rate = int(sys.argv[7]) if len(sys.argv) > 7 else 10_000
    seconds = 8 * (kills + 1)
    some = chaos.event_lines(sales, 10**9)
    events = [(f"{key}-{n // len(some)}", value.replace(
        f'"{key}"', f'"{key}-{n // len(some)}"').replace(
            '"sale-', f'"sale-{n // len(some)}-'))
        for n, (key, value) in enumerate(
            some[i % len(some)] for i in range(rate * seconds))]
    with own_broker(broker, port) as (servers, home):
        node = chaos.Node(binary, config, servers, home, "first")
        node.application("run")
        arrivals = Arrivals(servers)
        arrivals.start()
        feeder = chaos.Feeder(servers, events, rate, f"{home}/feeder.log")
        node.start()
        feeder.start()
        found = []
        for _ in range(kills):
            time.sleep(6)
            node.kill()
            arrivals.first_after = None
            arrivals.mark = time.monotonic()
            node.start()
            while arrivals.first_after is None:
                node.check()
                time.sleep(0.01)
            found.append(arrivals.first_after)
            print(f"{found[-1]:.2f} s", flush=True)
        node.kill()
        arrivals.kcat.kill()
        print(f"{kills} kills at {rate} events/s: first new commit after "
              f"{statistics.median(found):.2f} s ({min(found):.2f} to "
              f"{max(found):.2f})")


if __name__ == "__main__":
    main()
