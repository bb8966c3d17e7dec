#!/usr/bin/env python3
"""What the market's analytics must come to, computed over all sales at once.

    market_reference.py FILE.csv

Prints JSON: the windows of each neighborhood and of the whole market with
their trend; for each sale both anomaly verdicts and the valuation of its
property on the day before; the valuation of each property after the last day.

A verdict on a sale depends on sales of days before it only. A program that
reads sales out of order says it again when an earlier sale comes late. Its
last word per sale, once no sale is late beyond the grace any more, is what
stands here, for every order of arrival: nothing here depends on the order.
"""

import bisect
import collections
import csv
import json
import sys

import market_formulas as formulas
import sales_reference

WINDOW_MS = 30 * formulas.DAY_MS
# The zipcode of a window over all neighborhoods.
WHOLE_MARKET = ""

# `time` in milliseconds since 1970; `sqft` may be None. Two sales never have
# the same id; it decides between sales of a property at the same time.
Sale = collections.namedtuple("Sale", "id property zipcode time cents sqft")
Window = collections.namedtuple(
    "Window", "zipcode start end count total average minimum maximum change")


def read_sales(path):
    """The sales of a file such as the demo's. A bad line is an error."""
    with open(path, encoding="utf-8", newline="") as file:
        return [Sale(f"{line['property_id']}@{line['sale_date']}",
                     line["property_id"], line["zipcode"],
                     sales_reference.milliseconds_of(line["sale_date"]),
                     sales_reference.cents_of(line["price_usd"]),
                     int(line["living_area_sqft"])
                     if line["living_area_sqft"] else None)
                for line in csv.DictReader(file)]


def windows_of(sales):
    """The windows that have sales, by (zipcode, start).

    `change` compares a window's average with that of the window just before
    it, and is None if that one has no sales: what changed over an unknown
    number of windows is no trend.
    """
    prices = collections.defaultdict(list)
    for sale in sales:
        start = formulas.window_start(sale.time, WINDOW_MS)
        prices[sale.zipcode, start].append(sale.cents)
        prices[WHOLE_MARKET, start].append(sale.cents)
    windows = []
    for (zipcode, start), cents in sorted(prices.items()):
        before = prices.get((zipcode, start - WINDOW_MS))
        windows.append(Window(
            zipcode, start, start + WINDOW_MS, len(cents), sum(cents),
            formulas.average_of(cents), min(cents), max(cents),
            formulas.change_of(sum(cents), len(cents), sum(before),
                               len(before)) if before else None))
    return windows


class Market:
    """All sales, to be asked for what was known before a day."""

    def __init__(self, sales):
        self.sales = sorted(sales, key=lambda x: (x.time, x.id))
        if len({x.id for x in self.sales}) != len(self.sales):
            raise ValueError("two sales have the same id")
        self._in_zipcode = collections.defaultdict(list)
        self._of_property = collections.defaultdict(list)
        for sale in self.sales:
            self._in_zipcode[sale.zipcode].append(sale)
            self._of_property[sale.property].append(sale)
        self._days = {
            zipcode: [formulas.day_of(x.time) for x in in_it]
            for zipcode, in_it in self._in_zipcode.items()}
        self._levels = {}

    def baseline(self, zipcode, day, length=formulas.BASELINE_DAYS):
        """The sales of the days before a day, without the day."""
        days = self._days.get(zipcode, [])
        return self._in_zipcode.get(zipcode, [])[
            bisect.bisect_left(days, day - length):
            bisect.bisect_left(days, day)]

    def level(self, zipcode, day):
        if (zipcode, day) not in self._levels:
            self._levels[zipcode, day] = formulas.level_of(
                [formulas.unit_price(x.cents, x.sqft)
                 for x in self.baseline(zipcode, day) if x.sqft is not None])
        return self._levels[zipcode, day]

    def mean_verdict(self, sale):
        baseline = self.baseline(sale.zipcode, formulas.day_of(sale.time))
        return formulas.mean_verdict(sale.cents, [x.cents for x in baseline])

    def robust_verdict(self, sale):
        return formulas.robust_verdict(
            sale.cents, sale.sqft,
            self.level(sale.zipcode, formulas.day_of(sale.time)))

    def last_words(self):
        """By sale: the verdicts that no later arrival changes."""
        return {sale.id: (self.mean_verdict(sale), self.robust_verdict(sale))
                for sale in self.sales}

    def own_sale(self, name, day):
        """The last sale of a property before a day, or None."""
        earlier = [x for x in self._of_property[name]
                   if formulas.day_of(x.time) < day]
        return earlier[-1] if earlier else None

    def valuation(self, name, zipcode, sqft, day):
        """From what was known before a day."""
        level, last = self.level(zipcode, day), self.own_sale(name, day)
        if last is None:
            return formulas.valuation(sqft, level)
        then = self.level(zipcode, formulas.day_of(last.time))
        return formulas.valuation(sqft, level, last.cents,
                                  then.median if then else None)

    def valuations_before_sales(self):
        return {sale.id: self.valuation(sale.property, sale.zipcode, sale.sqft,
                                        formulas.day_of(sale.time))
                for sale in self.sales}

    def valuations_at(self, day):
        """Of each property, where and how large it was when sold last."""
        return {name: self.valuation(name, last.zipcode, last.sqft, day)
                for name in sorted(self._of_property)
                if (last := self.own_sale(name, day)) is not None}

    def day_after_all(self):
        return formulas.day_of(self.sales[-1].time) + 1

    def price_analysis(self, zipcode, time, cents, previous_cents, sqft):
        """Of an asking price given at a time."""
        return formulas.price_analysis(
            cents, previous_cents, sqft,
            [(x.cents, x.sqft)
             for x in self.baseline(zipcode, formulas.day_of(time))])


def compute(sales):
    def described(value):
        return None if value is None else value._asdict()

    market = Market(sales)
    before = market.valuations_before_sales()
    at_end = market.valuations_at(market.day_after_all()) if sales else {}
    return {
        "window_ms": WINDOW_MS,
        "windows": [x._asdict() for x in windows_of(sales)],
        "sales": [{"id": name, "mean": described(mean),
                   "robust": described(robust),
                   "valuation_before": described(before[name])}
                  for name, (mean, robust)
                  in sorted(market.last_words().items())],
        "valuations": [{"property": name, "valuation": described(value)}
                       for name, value in at_end.items()],
    }


def main():
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    json.dump(compute(read_sales(sys.argv[1])), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
