#!/usr/bin/env python3
"""Kills the real node with SIGKILL again and again under load, then compares.

    kill_test.py random  FREEHOLD CSV     50 kills at random moments
    kill_test.py points  FREEHOLD CSV     kills at the store's named points

The load is the real sales, fed by the node itself at a steady pace; a restart
goes on with the sales that are not in the log yet. Expected results are
computed here from the CSV (tests/reference/sales_reference.py): each input
took effect exactly once, every property's and neighborhood's state, every
property's journal in order, and no id twice in any topic.

Prints what it compared. Nothing compared, or fewer than 40 of 50 kills between
the first and the last commit, is a failure.
"""

import collections
import datetime
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "reference"))
MAP = ("time=sale_date,property=property_id,neighborhood=zipcode,"
       "price=price_usd")
FREEHOLD = ""
CSV = ""
KILLS = 50
KILLS_WITHIN_MIN = 40
LOAD_SECONDS_MIN = 20
SEED = int(os.environ.get("FREEHOLD_KILL_SEED", "20141124"))


def options(data):
    return ["--data", data,
            "--set", "application.shards=8", "--set", "engine.workers=2",
            "--set", "engine.commit-interval-ms=50"]


def freehold(*arguments, check=True):
    done = subprocess.run([FREEHOLD, *arguments], capture_output=True,
                          text=True, timeout=300, check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{arguments}: exit {done.returncode}\n"
                             f"{done.stderr[-4000:]}")
    return done


def records(data, topic):
    done = freehold("topic", "cat", topic, "--json", *options(data))
    return [json.loads(line) for line in done.stdout.splitlines() if line]


def states(data, kind):
    done = freehold("entity", "list", kind, "--json", *options(data))
    listed = [json.loads(line) for line in done.stdout.splitlines() if line]
    return {each["key"]: each for each in listed}


def expected():
    """What the sales come to, from the reference script."""
    script = os.path.join(HERE, "..", "..", "reference",
                          "sales_reference.py")
    done = subprocess.run([sys.executable, script, CSV], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def start_node(data, rate, direct, extra=None):
    environment = dict(os.environ, **(extra or {}))
    delivery = f"engine.direct-delivery={'true' if direct else 'false'}"
    return subprocess.Popen(
        [FREEHOLD, "node", *options(data), "--set", delivery,
         "--import", CSV, "--map", MAP, "--rate", str(rate)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)


class Compared:
    """Counts what was compared, so that nothing passes by comparing nothing."""

    def __init__(self, case):
        self.case = case
        self.count = collections.Counter()

    def equal(self, what, found, wanted, where):
        self.count[what] += 1
        self.case.assertEqual(found, wanted, f"{what}: {where}")

    def report(self):
        for what, count in sorted(self.count.items()):
            print(f"  compared {count} {what}")


def compare_everything(case, data):
    freehold("run", *options(data), "--close-windows")
    wanted = expected()
    compared = Compared(case)

    commands = records(data, "property-commands")
    ids = [r["headers"]["ce_id"] for r in commands]
    compared.equal("input records", len(ids), 2 * wanted["sales"],
                   "two commands a sale")
    compared.equal("input ids", len(set(ids)), len(ids), "no id twice")

    events = records(data, "property-events")
    event_ids = collections.Counter(r["headers"]["ce_id"] for r in events)
    twice = [i for i, n in event_ids.items() if n > 1]
    compared.equal("output ids", twice, [], "no output id twice")
    compared.equal("output records", len(events), len(commands),
                   "every command is one event")

    # The journal of each key is its commands in order, numbered from 1.
    inputs = collections.defaultdict(list)
    for record in commands:
        inputs[record["key"]].append(record["headers"]["ce_type"])
    journal = collections.defaultdict(list)
    for record in events:
        journal[record["key"]].append(
            (int(record["headers"]["ce_sequence"]),
             record["headers"]["ce_type"]))
    becomes = {"ListProperty": "PropertyListed", "RecordSale": "PropertySold"}
    for key, types in inputs.items():
        compared.equal("journals", journal[key],
                       [(i + 1, becomes[t]) for i, t in enumerate(types)], key)

    properties = states(data, "property")
    compared.equal("property count", len(properties),
                   len(wanted["properties"]), "entities")
    for reference in wanted["properties"]:
        key = reference["property"]
        state = properties[key]["state"]
        compared.equal("property states",
                       (state["status"], state["saleCount"],
                        round(state["lastSale"]["price"] * 100),
                        properties[key]["version"]),
                       ("sold", reference["sales"],
                        reference["last_price_cents"],
                        2 * reference["sales"]), key)

    hoods = states(data, "neighborhood")
    compared.equal("neighborhood count", len(hoods),
                   len(wanted["neighborhoods"]), "entities")
    # Of several records about a window the last one counts.
    found_windows = {
        (r["key"], milliseconds(r["value"]["windowStart"])): r["value"]
        for r in records(data, "neighborhood-prices")}
    compared.equal("window count", len(found_windows), len(wanted["windows"]),
                   "windows")
    for reference in wanted["windows"]:
        where = (reference["neighborhood"], reference["start_ms"])
        found = found_windows[where]
        compared.equal("windows",
                       (found["count"], round(found["total"] * 100),
                        round(found["minimum"] * 100),
                        round(found["maximum"] * 100)),
                       reference_totals(reference), where)
    compared.equal("late sales", records(data, "market-late"), [], "none")
    for reference in wanted["neighborhoods"]:
        key = reference["neighborhood"]
        compared.equal("neighborhoods", totals_of(hoods[key]["state"]["overall"]),
                       reference_totals(reference), key)
    compared.equal("dead letters", records(data, "dead-letter-events"), [],
                   "none")

    compared.report()
    case.assertGreater(compared.count["property states"], 20000)
    case.assertGreater(compared.count["windows"], 900)


def milliseconds(text):
    """Of `2014-05-02T00:00:00.000Z`, since 1970."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


def totals_of(found):
    return (found["count"], found["totalCents"], found["minimumCents"],
            found["maximumCents"])


def reference_totals(reference):
    return (reference["count"], reference["total_cents"],
            reference["min_cents"], reference["max_cents"])


class RandomMoments(unittest.TestCase):
    def test_fifty_kills_at_random_moments_change_nothing(self):
        chance = random.Random(SEED)
        with tempfile.TemporaryDirectory() as data:
            moments = []
            commits = []
            load_seconds = 0.0
            with open(CSV, encoding="utf-8") as file:
                rows = sum(1 for _ in file) - 1
            # 50 lives of 0.5 s on average, and the load outlasts them.
            lifetimes = [chance.uniform(0.25, 0.75) for _ in range(KILLS)]
            rate = int(rows / (sum(lifetimes) * 1.15))
            for lifetime in lifetimes:
                started = time.monotonic()
                # Lives with and without direct delivery, in no order.
                node = start_node(data, rate, chance.random() < 0.5)
                while time.monotonic() - started < lifetime:
                    self.assertIsNone(node.poll(), "the node ended by itself")
                    time.sleep(0.005)
                moments.append(time.time())
                node.send_signal(signal.SIGKILL)
                node.wait()
                load_seconds += lifetime
                commits.append(committed_records(data))
            self.assertGreaterEqual(load_seconds, LOAD_SECONDS_MIN)
            # The rest of the load, and a clean end.
            freehold("run", *options(data), "--import", CSV, "--map", MAP)
            total = committed_records(data)
            within = sum(1 for at in commits if 0 < at < total)
            print(f"  {len(moments)} kills, {within} of them between the "
                  f"first and the last commit; {load_seconds:.1f} s of load "
                  f"at {rate} sales/s, seed {SEED}")
            self.assertEqual(len(moments), KILLS)
            self.assertGreaterEqual(within, KILLS_WITHIN_MIN)
            compare_everything(self, data)


def committed_records(data):
    """How many events the journal has: what was committed so far."""
    done = freehold("topic", "list", "--json", *options(data), check=False)
    if done.returncode != 0:
        return 0
    for line in done.stdout.splitlines():
        topic = json.loads(line)
        if topic["topic"] == "property-events":
            return topic["records"]
    return 0


class NamedPoints(unittest.TestCase):
    def test_kills_around_the_stores_commit_change_nothing(self):
        with tempfile.TemporaryDirectory() as data:
            died = collections.Counter()
            for point in ("before-store-write", "before-store-commit",
                          "after-store-commit"):
                for passes in (1, 2, 3, 5, 8, 13, 21, 34):
                    node = start_node(
                        data, 4000, passes % 2 == 0,
                        {"FREEHOLD_TEST_CRASH_AT": f"{point}:{passes}"})
                    try:
                        code = node.wait(timeout=60)
                    finally:
                        node.kill()
                    self.assertEqual(code, -signal.SIGKILL,
                                     f"{point}:{passes} was not reached")
                    died[point] += 1
            print(f"  kills at named points: {dict(died)}")
            self.assertEqual(sum(died.values()), 24)
            freehold("run", *options(data), "--import", CSV, "--map", MAP)
            compare_everything(self, data)


if __name__ == "__main__":
    which, FREEHOLD, CSV = sys.argv[1:4]
    suite = {"random": RandomMoments, "points": NamedPoints}[which]
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(suite)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
