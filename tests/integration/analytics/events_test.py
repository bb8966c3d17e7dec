#!/usr/bin/env python3
"""Compares what comes of a topic of others with a batch over all sales.

    events_test.py FREEHOLD CSV CONFIG

Writes the real sales as events of another service to the topic of
configs/analytics-only.yaml: in a shuffled order inside the grace, some twice,
with the ZIP code in a property's first event only, or in one that comes after
its sale, and between records that nobody can read. Then the node reads them,
killed on the way or not. Every window, trend, verdict and valuation is the
batch's (tests/reference), each dead letter is one that was sent, with its
reason, and `verify` agrees.

Prints what it compared. Nothing compared is a failure.
"""

import collections
import datetime
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parents[1] / "reference"))

import analytics_test as analytics  # noqa: E402
import market_formulas as formulas  # noqa: E402
import market_reference as reference  # noqa: E402
import published  # noqa: E402
from arrival_order import lateness_max, shuffled  # noqa: E402

FREEHOLD, CSV, CONFIG = "", "", ""
TOPIC, JOURNAL = "property-events", "property-journal"
GRACE_MS = analytics.GRACE_MS
# Leaves room for what names a neighborhood only after the sale.
DELAY_MS = GRACE_MS - 2 * formulas.DAY_MS
# What a single run may take; a hang must not outlive the test.
TIME_LIMIT_S = 280
KILLS = 4

Run = collections.namedtuple("Run", "seed partitions has_areas kills")
# 0 is the order of time. The odd ones have times within their days.
RUNS = (Run(0, 1, True, 0), Run(1, 8, True, KILLS), Run(2, 3, False, 0),
        Run(3, 8, False, KILLS), Run(4, 4, True, KILLS))

# One of so many properties names its neighborhood after its sale.
NAMED_LATER_ONE_IN = 10
NAMED_LATER_WITHIN = 30
REPEATED_ONE_IN = 20
# At one of so many sales a home is listed there that asks another price later.
LISTED_ONE_IN = 20
LISTED_FOR = 2000
BAD_ONE_IN = 100


def rfc3339(time_ms, form=0):
    """One of the ways in which services write a time."""
    hours = (0, 2, -7)[form % 3]
    moment = (datetime.datetime(1970, 1, 1)
              + datetime.timedelta(milliseconds=time_ms + hours * 3_600_000))
    text = moment.isoformat(timespec="milliseconds")
    return text + ("Z" if hours == 0 else f"{hours:+03}:00")


def event(chance, time_ms, name, changes, zipcode=None, sqft=None):
    metadata = {"userId": f"u{chance.randrange(1000)}", "source": "mls"}
    if zipcode is not None:
        metadata["zipcode"] = zipcode
    if sqft is not None:
        metadata["livingAreaSqft"] = sqft
    return {"eventId": str(uuid.UUID(int=chance.getrandbits(128), version=4)),
            "timestamp": rfc3339(time_ms, chance.randrange(3)),
            "propertyId": name, "changes": changes, "metadata": metadata}


def sale_event(chance, sale, zipcode):
    price = sale.cents // 100 if sale.cents % 100 == 0 else sale.cents / 100
    return event(chance, sale.time, sale.property,
                 {"status": chance.choice(("sold", "Sold", "SOLD")),
                  "price": price}, zipcode, sale.sqft)


def broken(name, good):
    """Records that nobody can read: (value, reason, a part of the error)."""
    def changed(**members):
        return json.dumps({**good, **members})

    def without(member):
        return json.dumps({x: y for x, y in good.items() if x != member})

    undecodable, refused = "undecodable", "permanent failure"
    changes = good["changes"]
    return (
        (json.dumps(good)[:-7], undecodable, "JSON"),
        ("not JSON at all", undecodable, "JSON"),
        (without("eventId"), refused, "no eventId"),
        (changed(eventId=True), undecodable, "eventId"),
        (without("timestamp"), undecodable, "no text timestamp"),
        (changed(timestamp=1400000000), undecodable, "no text timestamp"),
        (changed(timestamp="2015-02-29T00:00:00Z"), undecodable, "RFC 3339"),
        (changed(timestamp="yesterday"), undecodable, "RFC 3339"),
        (without("changes"), undecodable, "changes"),
        (changed(changes={**changes, "price": -1}), refused, "below zero"),
        (changed(changes={**changes, "price": "1"}), undecodable, "price"),
        (changed(changes={**changes, "status": 7}), undecodable, "status"),
        (changed(metadata={"userId": "u", "source": "s", "zipcode": 98103}),
         undecodable, "zipcode"),
        (changed(propertyId=name + "0"), refused, "propertyId"),
    )


class Stream:
    """The events of all sales in one order of arrival, and what is bad.

    `asked`: the asking prices of homes that are not sold, by (property, time),
    as (ZIP, cents, previous cents, square feet).
    """

    def __init__(self, sales, seed):
        chance = random.Random(seed)
        self.asked = {}
        self.lines, self.bad = [], collections.defaultdict(list)
        self.named_later = self.named_before = self.repeated = 0
        # Key and value, by the place in the order: (place, 0) is a sale.
        placed = []
        latest, seen, waiting = None, {}, set()
        arrivals = shuffled(sales, DELAY_MS if seed else 0, seed)
        self.latest = lateness_max(arrivals)
        tops = []
        for sale in arrivals:
            latest = sale.time if latest is None else max(latest, sale.time)
            tops.append(latest)
        self.sales_of = collections.Counter(x.property for x in sales)
        for place, sale in enumerate(arrivals):
            zipcode = sale.zipcode
            if seen.get(sale.property) == sale.zipcode:
                # Known from an earlier event, or from one still to come.
                zipcode = None
                self.named_before += sale.property not in waiting
            elif (seed and sale.property not in seen and
                  chance.randrange(NAMED_LATER_ONE_IN) == 0):
                zipcode = None
                self.named_later += 1
                waiting.add(sale.property)
                later = place + chance.randrange(NAMED_LATER_WITHIN)
                later = min(later, len(arrivals) - 1)
                while tops[later] - sale.time > GRACE_MS:
                    later -= 1
                # Says nothing but where the home is, and no news of the time.
                placed.append(((later, 1), sale.property, json.dumps(event(
                    chance, tops[later], sale.property,
                    {"description": "a corner lot"}, sale.zipcode))))
            seen[sale.property] = sale.zipcode
            placed.append(((place, 0), sale.property, json.dumps(
                sale_event(chance, sale, zipcode))))
        for place, sale in enumerate(arrivals):
            if chance.randrange(LISTED_ONE_IN) == 0:
                placed += self.listed_home(chance, place, sale, tops)
        self.event_count = len(placed)
        self.property_count = len({name for _, name, _ in placed})
        for (place, _), name, value in list(placed):
            if chance.randrange(REPEATED_ONE_IN) == 0:
                again = min(place + chance.randrange(3000), len(arrivals) - 1)
                placed.append(((again, 2), name, value))
                self.repeated += 1
            if chance.randrange(BAD_ONE_IN) == 0:
                # Under the id of a good one it would be its repetition.
                other = json.loads(value)
                other["eventId"] = str(uuid.UUID(int=chance.getrandbits(128)))
                value, *why = chance.choice(broken(name, other))
                placed.append(((place, 3), name, value))
                self.bad[name, canonical(value)].append(tuple(why))
        # Stable: what has one place keeps its order.
        self.lines = [f"{name}\t{value}\n" for _, name, value
                      in sorted(placed, key=lambda x: x[0])]

    def listed_home(self, chance, place, sale, tops):
        """Listed at a sale's price, then asking another one, then withdrawn."""
        name = f"listed-{place}"
        later = min(place + chance.randrange(LISTED_FOR), len(tops) - 2)
        price = sale.cents // 100
        other = max(1, price * chance.randrange(50, 150) // 100)
        if other != price:
            self.asked[name, tops[later]] = (
                sale.zipcode, 100 * other, 100 * price, sale.sqft)
        told = ((place, {"status": "For-Sale", "price": price}, sale.zipcode,
                 sale.sqft),
                (later, {"price": other}),
                (later + 1, {"status": "Withdrawn", "price": price}),
                (later + 1, {"price": other}))
        return [((at, 1), name, json.dumps(event(chance, tops[at], name, *said)))
                for at, *said in told]


def options(data, partitions):
    return ["--config", CONFIG, *analytics.options(data, partitions),
            # Many units, so that a kill hits the middle.
            "--set", "engine.fetch-bytes=16384",
            "--set", "engine.unit-bytes-max=256 KiB",
            "--set", "logging.level=warn"]


def freehold(*words, status=0, text=None):
    done = subprocess.run([FREEHOLD, *words], capture_output=True, text=True,
                          input=text, timeout=TIME_LIMIT_S, check=False)
    if done.returncode != status:
        raise AssertionError(f"{words}: {done.returncode}\n"
                             f"{done.stdout[-2000:]}\n{done.stderr[-4000:]}")
    return done


def records(data, topic):
    done = freehold("topic", "cat", topic, "--json", "--data", data)
    return [json.loads(x) for x in done.stdout.splitlines()]


def canonical(value):
    """The same for the same JSON, and for the same text that is none."""
    try:
        return json.dumps(json.loads(value), sort_keys=True)
    except ValueError:
        return value


def kill_in_between(data, partitions, event_count):
    """How many events the journal had at each kill; it has them all at last."""
    committed = [0]
    while len(committed) <= KILLS and committed[-1] < event_count:
        end = time.monotonic() + TIME_LIMIT_S
        node = subprocess.Popen([FREEHOLD, "node", *options(data, partitions)],
                                stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)
        try:
            # As soon as this life has committed something.
            while (analytics.record_count(data, JOURNAL) or 0) == committed[-1]:
                if node.poll() is not None:
                    raise AssertionError("the node ended by itself")
                if time.monotonic() > end:
                    raise AssertionError("the node commits nothing")
        finally:
            node.send_signal(signal.SIGKILL)
            node.wait()
        committed.append(analytics.record_count(data, JOURNAL))
    return committed[1:]


class Events(unittest.TestCase):
    def dead_letters(self, data, bad, where):
        """As many as were sent, each with its bytes and its reason."""
        found = collections.Counter()
        for record in records(data, "dead-letter-events"):
            headers = record["headers"]
            value = (json.dumps(record["value"]) if "value" in record
                     else record["valueText"])
            what = record["key"], canonical(value)
            self.assertIn(what, bad, f"{where}: {headers}")
            reason, part = bad[what][0]
            self.assertEqual(headers["dlq_reason"], reason, headers)
            self.assertIn(part, headers["dlq_error"], where)
            self.assertEqual(headers["dlq_topic"], TOPIC)
            found[what] += 1
        self.assertEqual(found, {x: len(y) for x, y in bad.items()}, where)

    def test_every_result_is_the_batch_s(self):
        by_day = reference.read_sales(CSV)
        compared = analytics.Compared(self)
        reasons = set()
        for run in RUNS:
            sales = (analytics.spread_over_their_days(by_day) if run.seed % 2
                     else by_day)
            if not run.has_areas:
                sales = [x._replace(sqft=None) for x in sales]
            where = f"{run}"
            stream = Stream(sales, run.seed)
            self.assertLess(stream.latest, GRACE_MS)
            with tempfile.TemporaryDirectory() as folder:
                data = os.path.join(folder, "data")
                file = os.path.join(folder, "events.tsv")
                with open(file, "w", encoding="utf-8") as out:
                    out.writelines(stream.lines)
                made = freehold("topic", "produce", TOPIC, "--file", file,
                                *options(data, run.partitions))
                self.assertIn(f"{len(stream.lines):,} records", made.stdout)
                if run.kills:
                    committed = kill_in_between(data, run.partitions,
                                                stream.event_count)
                    where += f", killed at {committed}"
                    self.assertTrue(any(x < stream.event_count
                                        for x in committed), where)
                done = freehold("run", "--close-windows",
                                *options(data, run.partitions))
                self.assertNotIn("has named yet", done.stdout)
                self.compare(compared, data, sales, run, where)
                self.analyses(compared, data, sales, stream, run, where)
                self.dead_letters(data, stream.bad, where)
                self.check_tools(folder, data, stream, where)
            reasons |= {x for each in stream.bad.values() for x in each}
            for what in ("named_later", "named_before", "repeated"):
                compared.count[what] += getattr(stream, what)
                # What waits for its neighborhood is known later, and an
                # analysis of the order of time must know what the batch does.
                if what != "named_later" or run.seed:
                    self.assertGreater(getattr(stream, what), 100, where)
            compared.count["dead letters"] += sum(map(len, stream.bad.values()))
            print(f"  {where}", flush=True)
        compared.report()
        self.assertEqual(reasons, {x[1:] for x in broken("", {"changes": {}})})

    def compare(self, compared, data, sales, run, where):
        windows, trends = analytics.windows_and_trends(sales)
        for what, said, wanted in (
                ("windows", published.windows(FREEHOLD, data), windows),
                ("trends", published.trends(FREEHOLD, data), trends)):
            compared.equal(what, {x: words[-1][0] for x, words in said.items()},
                           wanted, where)
            compared.equal(f"{what} said once",
                           {x: [correction for _, correction in words]
                            for x, words in said.items()},
                           dict.fromkeys(wanted, [False]), where)
        market = reference.Market(sales)
        words, values = analytics.verdicts(market), analytics.valuations(market)
        last, _ = published.alerts(FREEHOLD, data)
        compared.equal("verdicts", last, words, where)
        by_unit_price = sum(x is not None for (rule, *_), x in words.items()
                            if rule == published.ROBUST)
        self.assertEqual(by_unit_price > 0, run.has_areas)
        if run.has_areas:
            compared.equal("valuations", published.valuations(FREEHOLD, data),
                           values, where)
        else:
            # A price per square foot needs square feet.
            self.assertEqual(values, {})
            self.assertEqual(published.valuations(FREEHOLD, data), {})
        self.assertEqual(
            list(published.records(FREEHOLD, data, "market-late")), [], where)

    def analyses(self, compared, data, sales, stream, run, where):
        """What is said at once depends on what is known then.

        In the order of time, in one partition, that is all of the days before.
        """
        found = published.analyses(FREEHOLD, data)
        if run.seed != 0:
            self.assertLessEqual(found.keys(), stream.asked.keys(), where)
            self.assertGreater(len(found), len(stream.asked) // 2, where)
            return
        self.assertEqual(run.partitions, 1)
        market = reference.Market(sales)
        compared.equal("analyses of asking prices", found, {
            (name, asked): (zipcode, cents, previous, said)
            for (name, asked), (zipcode, cents, previous, sqft)
            in stream.asked.items()
            if (said := market.price_analysis(zipcode, asked, cents, previous,
                                              sqft)) is not None}, where)

    def check_tools(self, folder, data, stream, where):
        """Without a configuration: the log says what it was made with."""
        verified = freehold("verify", "--data", data).stdout
        self.assertIn("All of it agrees", verified, where)
        self.assertIn(f"Compared {stream.property_count:,} states", verified)
        name, count = stream.sales_of.most_common(1)[0]
        history = [json.loads(x) for x in freehold(
            "entity", "history", "property", name, "--json", "--data",
            data).stdout.splitlines()]
        self.assertEqual(history[-1]["state"]["saleCount"], count, where)
        self.assertEqual(history[-1]["state"]["unplaced"], [], where)
        page = os.path.join(folder, "market.html")
        freehold("report", "--html", page, "--data", data)
        self.assertGreater(os.path.getsize(page), 100_000)


if __name__ == "__main__":
    FREEHOLD, CSV, CONFIG = sys.argv[1:4]
    analytics.FREEHOLD, analytics.CSV = FREEHOLD, CSV
    # To the program each of these is an option.
    for variable in [x for x in os.environ if x.startswith("FREEHOLD_")]:
        del os.environ[variable]
    tests = unittest.defaultTestLoader.loadTestsFromTestCase(Events)
    result = unittest.TextTestRunner(verbosity=2).run(tests)
    sys.exit(0 if result.wasSuccessful() and result.testsRun > 0 else 1)
