#!/usr/bin/env python3
"""The market on a real Kafka while its nodes are killed, stopped, restarted, sent
away and joined by others, and its brokers die: in the end everything is as if
one process had run on one disk, and a reader outside saw every event once and in
the order of its key.

    chaos_test.py FREEHOLD SALES_CSV CONFIG BROKER_SCRIPT PORT
                  [--kills N] [--brokers 1|3] [--seed N]

Sales come in all the time, at such a pace that they last through it. Prints how
often each thing was done and what was compared; nothing compared is a failure.
"""

import argparse
import collections
import contextlib
import csv
import json
import pathlib
import random
import signal
import subprocess
import sys
import threading
import time

from kafka_kit import (kill_one_broker, open_transactions, own_broker,
                       results_of, run)

SESSION_TIMEOUT_S = 6
PARTITIONS = 8
NODES = ("first", "second", "third")
TOPIC, JOURNAL = "property-events", "property-journal"
BETWEEN = "\x01"
# States leave memory and are read from the copy; changelogs are cut often.
LITTLE = ("memory.property-bytes-max=256 KiB", "changelog.slack-bytes=256 KiB")
# The writer outside may be away longer than its brokers: what it brings then is
# waited for, as one process does that has it all.
PATIENT = ("analytics.idle-after-ms=3600000",)
# What a round takes on average, and what the end may.
ROUND_S = 4.5
SETTLE_S = 150
OTHER_EVERY = 3  # so many kills for one of the other disturbances


def event_lines(sales, count):
    """Each sale as another service writes it: key and value."""
    with open(sales, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:count]
    return [(row["property_id"], json.dumps({
        "eventId": f"sale-{number}",
        "timestamp": row["sale_date"][:10] + "T00:00:00Z",
        "propertyId": row["property_id"],
        "changes": {"status": "Sold", "price": int(row["price_usd"])},
        "metadata": {"userId": "u", "source": "mls",
                     "zipcode": row["zipcode"]}})) for number, row
        in enumerate(rows)]


class Application:
    """The market with one configuration."""

    def __init__(self, binary, config, settings):
        self.binary = binary
        self.options = ["--config", config,
                        "--set", f"application.shards={PARTITIONS}"]
        for each in settings:
            self.options += ["--set", each]

    def __call__(self, command, *more, text=None):
        return run([self.binary, *command.split(), *more, *self.options], text)


class Node:
    """A process of the market; started again as often as need be."""

    def __init__(self, binary, config, servers, home, name, settings=()):
        self.name, self.home = name, home
        self.application = Application(binary, config, [
            "log.kind=kafka", f"kafka.bootstrap-servers={servers}",
            f"kafka.session-timeout-ms={SESSION_TIMEOUT_S * 1000}",
            f"node.id={name}", f"log.directory={home}/{name}", *settings])
        self.log = open(f"{home}/{name}.log", "ab")
        self.process = None

    def start(self):
        self.process = subprocess.Popen(
            [self.application.binary, "node", *self.application.options],
            stdout=self.log, stderr=self.log)

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def end(self, command):
        """By a command, and in order. One that has just begun is not known at
        once."""
        lock = pathlib.Path(f"{self.home}/{self.name}/changelog-copy/writer.lock")
        while (not lock.exists()
               or lock.read_text().strip() != str(self.process.pid)):
            self.check()
            time.sleep(0.1)
        self.application(command)
        if self.process.wait(timeout=60) != 0:
            raise AssertionError(f"the {self.name} node did not stop in order")

    def check(self):
        if self.process.poll() is not None:
            raise AssertionError(f"the {self.name} node gave up")

    def begin_again(self):
        """As whoever looks after a node does: where no broker answers for half
        a minute, it does not begin."""
        if self.process.poll() is not None:
            said = pathlib.Path(self.log.name).read_text().splitlines()[-1]
            if "answers (kafka.bootstrap-servers)" not in said:
                raise AssertionError(f"the {self.name} node gave up: {said}")
            self.start()


class Feeder(threading.Thread):
    """Writes the events from outside, at a pace. What kcat says is in `log`.

    An idempotent producer that finds itself at odds with a partition's new leader
    gives up for good (librdkafka 2.0.2), and kcat's status does not tell. What it
    has written of each partition is the front of it, without a gap: another one
    goes on from there."""

    WRITERS_MAX = 10

    def __init__(self, servers, events, rate, log):
        super().__init__(daemon=True)
        self.servers, self.events, self.rate = servers, events, rate
        self.log, self.writers, self.has_written = log, 0, False
        self.begun = time.monotonic()

    def run(self):
        left = list(enumerate(self.events))
        while left and self.writers < self.WRITERS_MAX:
            self.write(left)
            time.sleep(1)  # until no request of its is on its way
            there = self.read()
            left = [each for each in left if each[1][1] not in there]
        self.has_written = not left

    def write(self, numbered):
        self.writers += 1
        with open(self.log, "ab") as log:
            kcat = subprocess.Popen(
                ["kcat", "-b", self.servers, "-P", "-E", "-t", TOPIC,
                 "-K", BETWEEN, "-X", "topic.partitioner=murmur2_random",
                 "-X", "enable.idempotence=true", "-X", "linger.ms=20"],
                stdin=subprocess.PIPE, stderr=log, text=True)
        with contextlib.suppress(BrokenPipeError), kcat:
            for number, (key, value) in numbered:
                ahead = self.begun + number / self.rate - time.monotonic()
                if ahead > 0.02:
                    kcat.stdin.flush()
                    time.sleep(ahead)
                kcat.stdin.write(key + BETWEEN + value + "\n")

    def read(self):
        """The values that the topic has. Brokers may be away."""
        deadline = time.monotonic() + SETTLE_S
        while True:
            try:
                return set(run(["kcat", "-b", self.servers, "-C", "-e", "-q",
                                "-t", TOPIC, "-o", "beginning"],
                               timeout=30).splitlines())
            except (AssertionError, subprocess.TimeoutExpired):
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)

    def check(self):
        if not self.is_alive() and not self.has_written:
            raise AssertionError(f"kcat did not write all events: {self.log}")


class Reader:
    """Reads what is committed, from outside, as it comes."""

    def __init__(self, servers, topic, file):
        self.file = file
        self.out = open(file, "wb")
        self.kcat = subprocess.Popen(
            ["kcat", "-b", servers, "-C", "-E", "-t", topic, "-o", "beginning",
             "-J", "-u", "-q", "-X", "isolation.level=read_committed",
             "-X", "topic.metadata.refresh.interval.ms=2000"],
            stdout=self.out, stderr=subprocess.DEVNULL)

    def count(self):
        with open(self.file, "rb") as file:
            return sum(1 for _ in file)

    def by_key(self):
        """Every record of each key, in the order in which it was read."""
        self.kcat.kill()
        self.kcat.wait()
        self.out.close()
        found = collections.defaultdict(list)
        with open(self.file, encoding="utf-8") as file:
            for line in file:
                one = json.loads(line)
                names = one.get("headers", [])
                found[one["key"]].append(
                    (dict(zip(names[::2], names[1::2])),
                     json.loads(one["payload"])))
        return found


def by_key(application, topic):
    found = collections.defaultdict(list)
    for line in application("topic cat", topic, "--json").splitlines():
        one = json.loads(line)
        found[one["key"]].append((one["headers"], one["value"]))
    return found


class Chaos:
    def __init__(self, nodes, feeder, broker, port, seed):
        self.nodes, self.feeder = nodes, feeder
        self.broker, self.port = broker, port
        self.chance = random.Random(seed)
        self.done = collections.Counter()

    def kill(self, node):
        node.kill()
        # Now and then it stays away until others have its shards.
        if self.chance.randrange(5) == 0:
            time.sleep(SESSION_TIMEOUT_S + 2)
            self.done["kills with takeover"] += 1
        node.start()
        self.done["kills"] += 1

    def pause(self, node):
        """Longer than the session: it goes on as if nothing had been."""
        node.process.send_signal(signal.SIGSTOP)
        time.sleep(SESSION_TIMEOUT_S + 3)
        node.process.send_signal(signal.SIGCONT)
        self.done["pauses"] += 1

    def restart(self, node):
        node.end("stop")
        node.start()
        self.done["restarts"] += 1

    def leave(self, node):
        node.end("leave")
        time.sleep(1)
        node.start()
        self.done["leaves"] += 1

    def kill_broker(self, _):
        kill_one_broker(self.broker, self.port, self.chance)
        time.sleep(2)
        run([self.broker, "start", "--port", self.port])
        for each in self.nodes:
            each.begin_again()
        self.done["broker kills"] += 1

    def run(self, kills):
        others = [self.pause, self.kill_broker, self.leave, self.restart]
        turn = 0
        while self.done["kills"] < kills:
            time.sleep(self.chance.uniform(0.5, 3))
            node = self.chance.choice(self.nodes)
            self.kill(node)
            if self.done["kills"] % OTHER_EVERY == 0:
                others[turn % len(others)](self.chance.choice(self.nodes))
                turn += 1
            for each in [*self.nodes, self.feeder]:
                each.check()
        while turn < len(others):
            others[turn](self.chance.choice(self.nodes))
            turn += 1


def wait_until_done(nodes, reader, wanted):
    """Until nobody is behind and the reader outside has seen it all."""
    deadline = time.monotonic() + SETTLE_S
    while time.monotonic() < deadline:
        lag = json.loads(nodes[0].application("lag", "--json"))
        if any(x["records"] < 0 or x["behindMs"] < 0
               for x in lag["partitions"]):
            raise AssertionError(f"a negative lag: {lag}")
        if lag["records"] == 0 and reader.count() >= wanted:
            return
        for each in nodes:
            each.check()
        time.sleep(1)
    raise AssertionError(f"after {SETTLE_S} s: {reader.count()} of {wanted} "
                         f"events were seen, the lag is {lag}")


def compare(found, expected, what):
    for key in sorted(set(found) | set(expected)):
        if found.get(key) != expected.get(key):
            raise AssertionError(
                f"{what}: {key}:\n{found.get(key)}\nand expected:\n"
                f"{expected.get(key)}")
    count = sum(len(each) for each in found.values())
    if count == 0:
        raise AssertionError(f"{what}: nothing was compared")
    return count


def disturb(arguments, servers, home, at_the_end):
    binary, config = arguments.freehold, arguments.config
    # As many sales as the rounds last, at a pace that a laptop keeps.
    seconds = arguments.kills * ROUND_S + 30
    events = event_lines(arguments.sales, 10**9)
    rate = min(len(events) / seconds, 400)
    events = events[:int(rate * seconds)]

    alone = Application(binary, config, ["log.kind=embedded",
                                         f"log.directory={home}/alone"])
    alone("topic produce", TOPIC, text="".join(
        f"{key}\t{value}\n" for key, value in events))
    expected = results_of(alone("run", "--close-windows"))
    journal = by_key(alone, JOURNAL)

    nodes = [Node(binary, config, servers, home, name, [*LITTLE, *PATIENT])
             for name in NODES]
    for each in nodes:
        at_the_end.callback(each.kill)
    nodes[0].application("run")  # makes the topics
    reader = Reader(servers, JOURNAL, f"{home}/outside.json")
    feeder = Feeder(servers, events, rate, f"{home}/feeder.log")
    for each in nodes:
        each.start()
    feeder.start()
    chaos = Chaos(nodes, feeder, arguments.broker, arguments.port,
                  arguments.seed)
    chaos.run(arguments.kills)
    feeder.join()
    for each in [*nodes, feeder]:
        each.check()
    wait_until_done(nodes, reader, sum(len(x) for x in journal.values()))
    for each in nodes[1:]:
        each.end("leave")
    nodes[0].end("stop")

    seen = compare(reader.by_key(), journal, "what was seen outside")
    together = nodes[0].application("run", "--close-windows")
    if results_of(together) != expected:
        raise AssertionError("the results differ from those of one process:\n"
                             f"{results_of(together)}\nand\n{expected}")
    kept = compare(by_key(nodes[0].application, JOURNAL), by_key(alone, JOURNAL),
                   "what is kept")
    verified = nodes[0].application("verify")
    if "All of it agrees." not in verified:
        raise AssertionError(verified)
    if feeder.writers > 1:
        chaos.done["writers that gave up"] = feeder.writers - 1
    did = ", ".join(f"{count} {what}" for what, count in chaos.done.items())
    print(f"{did}; {len(events)} sales in, {seen} events seen outside and "
          f"{kept} kept, each once and in order; {verified}")


def main():
    parser = argparse.ArgumentParser()
    for name in ("freehold", "sales", "config", "broker", "port"):
        parser.add_argument(name)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--brokers", type=int, choices=(1, 3), default=1)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with own_broker(arguments.broker, arguments.port,
                    arguments.brokers) as (servers, home):
        try:
            with contextlib.ExitStack() as at_the_end:
                disturb(arguments, servers, home, at_the_end)
        except BaseException:
            for log in sorted(pathlib.Path(home).glob("*.log")):
                print(f"--- the end of {log.name}", file=sys.stderr)
                lines = log.read_text().splitlines()
                print("\n".join(lines[-40:]), file=sys.stderr)
            print(open_transactions(arguments.broker, servers), file=sys.stderr)
            raise


if __name__ == "__main__":
    main()
