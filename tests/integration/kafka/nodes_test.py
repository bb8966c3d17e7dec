#!/usr/bin/env python3
"""The market on a real Kafka while its nodes are killed, stopped and joined by
others: in the end everything is as if one process had run on one disk.

    nodes_test.py FREEHOLD SALES_CSV BOOTSTRAP [ROUNDS]
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

SESSION_TIMEOUT = 6
# Sales a second: so slow that they last as long as it is disturbed.
RATE = 800


class Node:
    """A process of the market on the cluster; started again as often as need
    be."""

    def __init__(self, binary, command, name, home, bootstrap, application):
        self.name = name
        self.log = open(os.path.join(home, name + ".log"), "ab")
        self.line = [
            binary, command,
            "--set", "log.kind=kafka",
            "--set", f"kafka.bootstrap-servers={bootstrap}",
            "--set", f"kafka.session-timeout-ms={SESSION_TIMEOUT * 1000}",
            "--set", f"application.name={application}",
            "--set", f"node.id={name}",
            "--set", f"log.directory={os.path.join(home, name)}",
        ]
        self.process = None

    def start(self, *more):
        self.process = subprocess.Popen(
            self.line + list(more), stdout=self.log, stderr=self.log)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def is_running(self):
        return self.process.poll() is None

    def run(self, *more):
        """To its end; its output."""
        done = subprocess.run(self.line + list(more), capture_output=True,
                              text=True, timeout=280)
        if done.returncode != 0:
            raise AssertionError(
                f"{self.name} ends with {done.returncode}: {done.stderr}")
        return done.stdout


def results_of(summary):
    """What a run says of the market, without how fast it was."""
    begin = summary.index("Sales by neighborhood")
    end = summary.index("The strongest anomalies")
    return summary[begin:end]


def main():
    binary, sales, bootstrap = sys.argv[1:4]
    rounds = int(sys.argv[4]) if len(sys.argv) > 4 else 3
    application = f"market-{os.getpid()}"
    with tempfile.TemporaryDirectory() as home:
        try:
            disturb(binary, sales, bootstrap, rounds, application, home)
        except Exception:
            for log in sorted(pathlib.Path(home).glob("*.log")):
                print(f"--- the end of {log.name}", file=sys.stderr)
                lines = log.read_text().splitlines()
                print("\n".join(lines[-25:]), file=sys.stderr)
            raise


def disturb(binary, sales, bootstrap, rounds, application, home):
    alone = subprocess.run(
        [binary, "run", "--set", f"log.directory={home}/alone",
         "--import", sales, "--close-windows"],
        capture_output=True, text=True, check=True, timeout=280).stdout

    def node(command, name):
        return Node(binary, command, name, home, bootstrap, application)

    first, second = node("node", "first"), node("node", "second")
    feed = ["--import", sales, "--rate", str(RATE)]
    kills = pauses = 0
    first.start(*feed)
    time.sleep(2)
    second.start()
    for each in range(rounds):
        time.sleep(2)
        # One dies in the midst of it, and comes back before the others
        # take its shards.
        first.kill()
        kills += 1
        first.start(*feed)
        time.sleep(2)
        # The other stands still until its shards are taken, and goes on as
        # if nothing had been.
        second.process.send_signal(signal.SIGSTOP)
        time.sleep(SESSION_TIMEOUT + 3)
        second.process.send_signal(signal.SIGCONT)
        pauses += 1
        time.sleep(1)
        for one in (first, second):
            if not one.is_running():
                raise AssertionError(f"the {one.name} node gave up")
        second.kill()
        kills += 1
        second.start()
    for one in (first, second):
        one.process.send_signal(signal.SIGTERM)
        if one.process.wait(timeout=60) != 0:
            raise AssertionError(
                f"the {one.name} node did not stop in order")

    # Both keep their membership; what they had is free when that is over.
    time.sleep(SESSION_TIMEOUT + 2)
    together = node("run", "first").run("--import", sales,
                                        "--close-windows")
    if results_of(together) != results_of(alone):
        raise AssertionError(
            "the results differ from those of one process:\n"
            + results_of(together) + "\nand\n" + results_of(alone))
    verified = node("verify", "first").run()
    if "All of it agrees." not in verified:
        raise AssertionError(verified)
    print(f"{kills} kills, {pauses} pauses; the results are those of one "
          f"process, and: {verified}")


if __name__ == "__main__":
    main()
