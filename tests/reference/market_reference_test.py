#!/usr/bin/env python3
"""The batch against results worked out by hand, and against arrivals."""

import collections
import pathlib
import random
import unittest

import market_formulas as formulas
import market_reference as reference
from arrival_order import shuffled
from market_reference import Market, Sale

DAY_MS = formulas.DAY_MS
GRACE_MS = 7 * DAY_MS
FILE = (pathlib.Path(__file__).resolve().parents[2]
        / "configs/demo/king_county_sales.csv")


def sale(name, day, dollars=1, zipcode="x", property_=None, sqft=2000):
    return Sale(name, property_ or name, zipcode, day * DAY_MS, dollars * 100,
                sqft)


def some_sales(seed):
    """Two hundred days in two neighborhoods; times within the days."""
    draw = random.Random(seed)
    return [Sale(f"{x:03}", f"p{x % 150:03}", draw.choice("xy"),
                 draw.randrange(200 * DAY_MS),
                 draw.choice((1, 1, 1, 1, 5)) * draw.randrange(10**7, 10**8),
                 draw.choice((None, 800, 2000, 3000)))
            for x in range(300)]


class Neighborhood:
    """What a program can do that is told of one sale at a time.

    Keeps the sales of 38 days: the latest one, 7 that a sale may be late by
    and the 30 of that sale's baseline. Says a verdict again when it changed.
    """

    def __init__(self):
        self.kept = []
        self.said = {}

    def arrive(self, new):
        self.kept.append(new)
        latest = max(formulas.day_of(x.time) for x in self.kept)
        self.kept = [x for x in self.kept
                     if formulas.day_of(x.time) >= latest - 37]
        for each in self.kept:
            if (each is new or 0 < formulas.day_of(each.time)
                    - formulas.day_of(new.time) <= 30):
                self.said[each.id] = self.verdicts(each)

    def verdicts(self, of):
        day = formulas.day_of(of.time)
        baseline = [x for x in self.kept
                    if day - 30 <= formulas.day_of(x.time) < day]
        return (
            formulas.mean_verdict(of.cents, [x.cents for x in baseline]),
            formulas.robust_verdict(of.cents, of.sqft, formulas.level_of(
                formulas.unit_price(x.cents, x.sqft) for x in baseline
                if x.sqft is not None)))


class MarketReferenceTest(unittest.TestCase):
    def test_windows_are_half_open_and_have_a_trend(self):
        sales = [sale("a", 0, 100), sale("b", 29, 201), sale("c", 30, 300),
                 sale("d", 90, 10), sale("e", 29, 1000, "y"),
                 sale("f", -1, 100, "y")]
        windows = reference.windows_of(sales)
        self.assertEqual(
            [(x.zipcode, x.start // DAY_MS, x.count, x.total, x.average,
              x.minimum, x.maximum, x.change) for x in windows],
            [("", -30, 1, 10000, 10000, 10000, 10000, None),
             ("", 0, 3, 130100, 43367, 10000, 100000, 33367),
             ("", 30, 1, 30000, 30000, 30000, 30000, -3082),
             ("", 90, 1, 1000, 1000, 1000, 1000, None),
             ("x", 0, 2, 30100, 15050, 10000, 20100, None),
             ("x", 30, 1, 30000, 30000, 30000, 30000, 9934),
             ("x", 90, 1, 1000, 1000, 1000, 1000, None),
             ("y", -30, 1, 10000, 10000, 10000, 10000, None),
             ("y", 0, 1, 100000, 100000, 100000, 100000, 90000)])
        self.assertEqual({x.end - x.start for x in windows}, {30 * DAY_MS})

    def test_a_baseline_is_thirty_days_without_the_sale_s_own(self):
        inside = [sale("a", 10), sale("b", 25), sale("c", 39)]
        outside = [sale("d", 9), sale("e", 40), sale("f", 41),
                   sale("g", 20, zipcode="y")]
        late = Sale("h", "h", "x", 41 * DAY_MS - 1, 100, 2000)
        market = Market(outside + inside + [late])
        self.assertEqual(market.baseline("x", 40), inside)
        self.assertEqual(market.baseline("z", 40), [])

    def test_sales_of_one_day_do_not_judge_each_other(self):
        same_day = [sale(x, 5, 100) for x in "abcde"]
        market = Market(same_day + [sale("f", 5, 900), sale("g", 6, 900)])
        words = market.last_words()
        self.assertEqual(words["f"], (None, None))
        self.assertEqual(words["g"][0].count, 6)
        self.assertTrue(words["g"][0].flagged)

    def test_sales_without_area_count_for_the_mean_only(self):
        sales = [sale(x, 5, 100) for x in "abcdefg"]
        sales += [sale("h", 5, 100, sqft=None), sale("i", 6, 100)]
        words = Market(sales).last_words()
        self.assertEqual(words["i"][0].count, 8)
        self.assertIsNone(words["i"][1])

    def test_a_valuation_knows_only_what_was_before_its_day(self):
        level = [sale(x, 10, 30_000) for x in "abcde"]
        level += [sale(x, 50, 60_000) for x in "fghij"]
        # Too late for the level of day 11, on which they were sold.
        level += [sale(x, 11, 99_000) for x in "nopqrst"]
        own = [sale("k", 11, 40_000, property_="home"),
               sale("l", 51, 90_000, property_="home"),
               sale("m", 51, 50_000, property_="other")]
        market = Market(level + own)
        before = market.valuations_before_sales()
        # On day 11 the level is 30,000; on day 51, it has doubled.
        self.assertEqual(before["k"][:1], (3_000_000,))
        self.assertEqual(before["l"],
                         (8_000_000, 8_000_000, 8_000_000, "own-sale"))
        self.assertEqual(before["m"][3], "neighborhood")
        self.assertIsNone(before["a"])
        after = market.valuations_at(market.day_after_all())
        self.assertEqual(after["home"][0], 9_000_000)
        self.assertEqual(len(after), 19)

    def test_the_order_of_the_sales_does_not_count(self):
        sales = some_sales(1)
        expected = reference.compute(sales)
        for seed in range(3):
            self.assertEqual(
                reference.compute(shuffled(sales, GRACE_MS, seed)), expected)
        self.assertEqual(reference.compute(sales[::-1]), expected)

    def test_one_sale_at_a_time_comes_to_the_same_last_words(self):
        sales = some_sales(2)
        expected = Market(sales).last_words()
        corrected = 0
        for seed in range(5):
            neighborhoods = collections.defaultdict(Neighborhood)
            first, said = {}, {}
            for each in shuffled(sales, GRACE_MS, seed):
                where = neighborhoods[each.zipcode]
                where.arrive(each)
                first[each.id] = where.said[each.id]
            for where in neighborhoods.values():
                said.update(where.said)
            self.assertEqual(said, expected)
            corrected += sum(said[x] != first[x] for x in said)
        # Else the orders above would have shown nothing.
        self.assertGreater(corrected, 100)

    def test_of_sales_at_one_time_the_id_tells_the_last(self):
        sales = [sale("b", 3, 2, property_="home"),
                 sale("a", 3, 1, property_="home")]
        for each in (sales, sales[::-1]):
            market = Market(each)
            self.assertEqual(market.own_sale("home", 4).id, "b")
            self.assertIsNone(market.own_sale("home", 3))

    def test_two_sales_have_different_ids(self):
        with self.assertRaises(ValueError):
            Market([sale("a", 1), sale("a", 2)])

    def test_an_empty_market_has_an_empty_result(self):
        self.assertEqual(reference.compute([])["sales"], [])

    def test_the_real_sales_have_this_many_anomalies(self):
        sales = reference.read_sales(FILE)
        words = Market(sales).last_words().values()
        self.assertEqual(len(words), 21_613)
        self.assertEqual(sum(x is not None for x, _ in words), 21_093)
        self.assertEqual(sum(x is not None and x.flagged for x, _ in words),
                         11_482)
        self.assertEqual(sum(x is not None for _, x in words), 20_565)
        self.assertEqual(sum(x is not None and x.flagged for _, x in words),
                         390)


if __name__ == "__main__":
    unittest.main()
