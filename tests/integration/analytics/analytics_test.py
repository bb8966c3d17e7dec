#!/usr/bin/env python3
"""Compares what the real node publishes with a batch over all sales.

    analytics_test.py orders   FREEHOLD CSV    the real sales, 21 orders
    analytics_test.py backlog  FREEHOLD CSV    years of sales at once

The batch is tests/reference/market_reference.py, which shares no code with
the program. Whatever the order within the grace, the number of partitions and
the kills in between: every window, trend and verdict is the batch's, and no
sale is late. FREEHOLD_BACKLOG_SALES=1000000 makes the large backlog larger.

Prints what it compared. Nothing compared is a failure.
"""

import collections
import datetime
import functools
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "reference"))

import market_formulas as formulas  # noqa: E402
import market_reference as reference  # noqa: E402
import published  # noqa: E402
from arrival_order import lateness_max, shuffled  # noqa: E402
from published import (  # noqa: E402
    MEAN, ROBUST, Alert, Trend, Valued, Window)

FREEHOLD = ""
CSV = ""
MAP = ("time=sale_date,property=property_id,neighborhood=zipcode,"
       "price=price_usd,area=living_area_sqft")
HEADER = "sale_date,property_id,zipcode,price_usd,living_area_sqft\n"
GRACE_MS = 7 * formulas.DAY_MS
# 0 is the order of time, the others are seeds. Every partition count gets
# seven of them, and two of these seven have kills. In the odd ones sales have
# times within their days, so that some are late by nearly all of the grace.
ORDERS = range(21)
PARTITIONS = (8, 1, 3)
KILLED_ORDERS = (6, 7, 8, 15, 16, 17)
KILLS = 5
# Entities may take a tenth of what they need in memory, in three of the orders
# with kills and in three others, with each number of partitions.
TIGHT_ORDERS = (2, 3, 7, 10, 15, 17)
TIGHT = ["--set", "memory.property-bytes-max=1 MiB",
         "--set", "memory.valuation-bytes-max=1 MiB",
         "--set", "memory.neighborhood-bytes-max=2 MiB",
         "--set", "memory.market-bytes-max=64 KiB"]
# A million sales and their results need a third of it.
LOG_BYTES_MAX = 8 << 30
# What a single run may take; a hang must not outlive the test.
TIME_LIMIT_S = 280

BACKLOG_SALES = int(os.environ.get("FREEHOLD_BACKLOG_SALES", "300000"))
SMALL_BACKLOG_SALES = 100_000
REPEATED_AFTER_MS = 400 * formulas.DAY_MS
BACKLOG_DELAY_MS = 3 * formulas.DAY_MS


# -- the program --------------------------------------------------------------


def options(data, partitions, is_tight=False):
    return [*(TIGHT if is_tight else []),
            "--data", data, "--set", f"application.shards={partitions}",
            # A log that grows beyond reason ends the run, not the disk.
            "--set", f"log.map-bytes-max={LOG_BYTES_MAX}",
            # A worker without a shard is an error.
            "--set", f"engine.workers={min(2, partitions)}",
            "--set", "engine.commit-interval-ms=50"]


def run_to_the_end(data, partitions, file, is_tight=False):
    """How often entities came back into memory."""
    done = subprocess.run(
        [FREEHOLD, "run", *options(data, partitions, is_tight), "--import", file,
         "--map", MAP, "--close-windows"], capture_output=True, text=True,
        timeout=TIME_LIMIT_S, check=False)
    if done.returncode != 0:
        raise AssertionError(f"run: {done.returncode}\n{done.stderr[-4000:]}")
    said = re.search(r"came back: ([\d,]+) times", done.stdout)
    return int(said[1].replace(",", "")) if said else 0


def record_count(data, topic):
    """None while there is no log yet."""
    done = subprocess.run(
        [FREEHOLD, "topic", "list", "--json", "--data", data],
        capture_output=True, text=True, timeout=TIME_LIMIT_S, check=False)
    if done.returncode != 0:
        return None
    counts = {x["topic"]: x["records"]
              for x in map(json.loads, done.stdout.splitlines())}
    return counts.get(topic)


def kill_again_and_again(data, partitions, file, sale_count, seed, is_tight):
    """How many records were committed at each kill."""
    chance = random.Random(seed)
    lifetimes = [chance.uniform(0.25, 0.75) for _ in range(KILLS)]
    rate = int(sale_count / (sum(lifetimes) * 1.15))
    committed = []
    for lifetime in lifetimes:
        node = subprocess.Popen(
            [FREEHOLD, "node", *options(data, partitions, is_tight), "--import", file,
             "--map", MAP, "--rate", str(rate)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            time.sleep(lifetime)
            if node.poll() is not None:
                raise AssertionError("the node ended by itself")
        finally:
            node.send_signal(signal.SIGKILL)
            node.wait()
        committed.append(record_count(data, "property-events") or 0)
    return committed


# -- sales --------------------------------------------------------------------


@functools.cache
def date_of(day):
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


def time_of(time_ms):
    day, rest = divmod(time_ms, formulas.DAY_MS)
    if rest == 0:
        return date_of(day)
    return (f"{date_of(day)}T{rest // 3_600_000:02}:{rest // 60_000 % 60:02}:"
            f"{rest // 1000 % 60:02}.{rest % 1000:03}Z")


def spread_over_their_days(sales):
    """The sales at times within their days, always the same ones."""
    chance = random.Random(len(sales))
    return [x._replace(time=x.time + int(chance.random() * formulas.DAY_MS))
            for x in sales]


def write_sales(path, sales):
    with open(path, "w", encoding="utf-8") as file:
        file.write(HEADER)
        for sale in sales:
            area = "" if sale.sqft is None else sale.sqft
            file.write(f"{time_of(sale.time)},{sale.property},"
                       f"{sale.zipcode},{sale.cents // 100}."
                       f"{sale.cents % 100:02},{area}\n")


def backlog_of(sales, count):
    """So many: the sales repeated every 400 days, each up to 3 days late.

    The homes are the same in every repetition, and the last one lies at the
    time of the sales given: what lies ahead of the clock does not count.
    """
    repetitions = -(-count // len(sales))
    for each in range(repetitions):
        shift = (each + 1 - repetitions) * REPEATED_AFTER_MS
        order = shuffled(sales, BACKLOG_DELAY_MS, each)
        for sale in order[:count - each * len(sales)]:
            yield sale._replace(time=sale.time + shift)


# -- what is expected ---------------------------------------------------------


def windows_and_trends(sales):
    """By (ZIP or `all`, start), of the batch."""
    batch = {(x.zipcode or "all", x.start): x
             for x in reference.windows_of(sales)}
    windows = {
        which: Window(x.end, x.count, x.total, x.average, x.minimum, x.maximum)
        for which, x in batch.items() if x.zipcode}
    trends = {}
    for (zipcode, start), x in batch.items():
        if x.change is not None:
            before = batch[zipcode, start - reference.WINDOW_MS]
            trends[zipcode, start] = Trend(x.end, x.count, before.count,
                                           x.average, before.average, x.change)
    return windows, trends


def valuations(market):
    """By (property, time): what the home was worth before, where anything."""
    values = market.valuations_before_sales()
    return {
        (sale.property, sale.time): Valued(
            sale.zipcode, sale.cents, value.estimate_cents, value.low_cents,
            value.high_cents, value.basis,
            formulas.ratio(value.estimate_cents - sale.cents, sale.cents))
        for sale in market.sales if (value := values[sale.id]) is not None}


def verdicts(market):
    """By (rule, property, time): the alert, or None where there is none."""
    words = market.last_words()
    expected = {}
    for sale in market.sales:
        end = formulas.day_of(sale.time) * formulas.DAY_MS
        start = end - formulas.BASELINE_DAYS * formulas.DAY_MS
        for rule, said in zip((MEAN, ROBUST), words[sale.id]):
            expected[rule, sale.property, sale.time] = (
                Alert(sale.zipcode, sale.cents, said.expected_cents,
                      said.deviation, said.count,
                      said.score if rule == ROBUST else None, start, end)
                if said and said.flagged else None)
    return expected


class Compared:
    """Counts what was compared, so that nothing passes by comparing nothing."""

    def __init__(self, case):
        self.case = case
        self.count = collections.Counter()

    def equal(self, what, found, wanted, where):
        """Two dictionaries; what one does not have is None in the other."""
        wrong = [x for x in sorted(found.keys() | wanted.keys())
                 if found.get(x) != wanted.get(x)]
        self.count[what] += len(wanted)
        self.case.assertGreater(len(wanted), 0, f"{where}: no {what}")
        if wrong:
            shown = "\n".join(f"{x}\n  found  {found.get(x)}\n"
                              f"  wanted {wanted.get(x)}" for x in wrong[:5])
            self.case.fail(
                f"{where}: {len(wrong):,} {what} differ, as\n{shown}")

    def equal_results(self, data, windows, trends, where):
        """Windows and trends, each said once; nothing late, nothing dead."""
        for what, said, wanted in (
                ("windows", published.windows(FREEHOLD, data), windows),
                ("trends", published.trends(FREEHOLD, data), trends)):
            self.equal(what, {x: words[-1][0] for x, words in said.items()},
                       wanted, where)
            # Nothing was idle, so nothing was closed before its time.
            self.equal(f"{what} said once",
                       {x: [correction for _, correction in words]
                        for x, words in said.items()},
                       dict.fromkeys(wanted, [False]), where)
        for topic in ("market-late", "dead-letter-events"):
            self.case.assertEqual(
                list(published.records(FREEHOLD, data, topic)), [], where)

    def report(self):
        for what, count in sorted(self.count.items()):
            print(f"  compared {count:,} {what}", flush=True)


# -- cases --------------------------------------------------------------------


class Orders(unittest.TestCase):
    def test_every_result_is_the_batch_s_in_every_order(self):
        by_day = reference.read_sales(CSV)
        spread = spread_over_their_days(by_day)
        windows, trends = windows_and_trends(by_day)
        self.assertEqual(windows_and_trends(spread), (windows, trends))
        self.assertTrue(any(x == "all" for x, _ in trends))
        inputs = []
        for sales in (by_day, spread):
            market = reference.Market(sales)
            inputs.append((sales, verdicts(market), valuations(market)))
        compared = Compared(self)
        kills, kills_within, revised, latest = 0, 0, 0, 0
        came_back = []
        for order in ORDERS:
            partitions = PARTITIONS[order % len(PARTITIONS)]
            where = f"order {order} in {partitions} partitions"
            is_tight = order in TIGHT_ORDERS
            sales, words, values = inputs[order % 2]
            flagged = sum(x is not None for x in words.values())
            arrivals = shuffled(sales, GRACE_MS if order else 0, order)
            latest = max(latest, lateness_max(arrivals))
            with tempfile.TemporaryDirectory() as folder:
                data = os.path.join(folder, "data")
                file = os.path.join(folder, "sales.csv")
                write_sales(file, arrivals)
                if order in KILLED_ORDERS:
                    where += ", killed"
                    committed = kill_again_and_again(data, partitions, file,
                                                     len(sales), order,
                                                     is_tight)
                    kills += len(committed)
                    kills_within += sum(0 < x < 2 * len(sales)
                                        for x in committed)
                back = run_to_the_end(data, partitions, file, is_tight)
                if is_tight:
                    came_back.append(back)
                    where += ", a tenth of the memory"
                compared.equal_results(data, windows, trends, where)
                last, revised_now = published.alerts(FREEHOLD, data)
                compared.equal("verdicts", last, words, where)
                compared.count["verdicts that flag"] += flagged
                compared.equal("valuations",
                               published.valuations(FREEHOLD, data), values,
                               where)
                revised += revised_now
        compared.report()
        print(f"  {len(ORDERS)} orders, the latest sale "
              f"{latest / formulas.DAY_MS:.2f} days behind; {kills} kills, "
              f"{kills_within} of them between the first and the last commit; "
              f"{revised:,} verdicts revised; with a tenth of the memory "
              f"entities came back {sum(came_back):,} times")
        self.assertEqual(len(came_back), len(TIGHT_ORDERS))
        self.assertGreater(min(came_back), 0)
        self.assertGreater(sum(came_back), 1000)
        self.assertEqual(compared.count["windows"], len(ORDERS) * len(windows))
        self.assertGreater(len(windows), 900)
        self.assertGreater(flagged, 11_000)
        self.assertGreater(revised, 10_000)
        self.assertGreater(latest, GRACE_MS - formulas.DAY_MS)
        self.assertEqual(kills, KILLS * len(KILLED_ORDERS))
        self.assertGreaterEqual(kills_within, kills * 8 // 10)


class Backlog(unittest.TestCase):
    def setUp(self):
        self.sales = reference.read_sales(CSV)
        times = [x.time for x in self.sales]
        # Else the delays would mix one repetition with the next.
        self.assertLess(max(times) - min(times) + BACKLOG_DELAY_MS,
                        REPEATED_AFTER_MS)

    def compare(self, count, all_partitions):
        compared = Compared(self)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "sales.csv")
            write_sales(file, backlog_of(self.sales, count))
            windows, trends = windows_and_trends(
                backlog_of(self.sales, count))
            self.assertEqual(sum(x.count for x in windows.values()), count)
            for partitions in all_partitions:
                where = f"{count:,} sales in {partitions} partitions"
                with tempfile.TemporaryDirectory() as data:
                    started = time.monotonic()
                    run_to_the_end(data, partitions, file)
                    print(f"  {where}: {time.monotonic() - started:.1f} s",
                          flush=True)
                    compared.equal_results(data, windows, trends, where)
        compared.report()

    def test_a_large_one_in_four_partitions_loses_nothing(self):
        self.compare(BACKLOG_SALES, (4,))

    def test_a_smaller_one_in_one_and_eight_partitions_loses_nothing(self):
        self.compare(SMALL_BACKLOG_SALES, (1, 8))


if __name__ == "__main__":
    which, FREEHOLD, CSV = sys.argv[1:4]
    # To the program each of these is an option.
    for name in [x for x in os.environ if x.startswith("FREEHOLD_")]:
        del os.environ[name]
    suite = {"orders": Orders, "backlog": Backlog}[which]
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(suite)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
