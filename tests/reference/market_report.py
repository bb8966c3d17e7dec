#!/usr/bin/env python3
"""Prints what the market's formulas give on the real sales, as tables.

    market_report.py [TABLE...]

Without a name, all of them. The guide docs/guides/market-formulas.md has
these tables; a test compares.
"""

import datetime
import functools
import pathlib
import sys

import market_choices
import market_formulas as formulas
import market_reference
from market_tables import (ERROR_HEAD, dollars, errors, middle, number,
                           percent, share, table)

FILE = (pathlib.Path(__file__).resolve().parents[2]
        / "configs/demo/king_county_sales.csv")


def date_of(day):
    return datetime.date(1970, 1, 1) + datetime.timedelta(days=day)


@functools.cache
def words_of(market):
    return market.last_words()


@functools.cache
def analyses_of(market):
    """Each price as if it had been asked for on the day of the sale."""
    return [x for x in (
        market.price_analysis(x.zipcode, x.time, x.cents, None, x.sqft)
        for x in market.sales) if x is not None]


def flagged(verdict):
    return verdict is not None and verdict.flagged


# -- anomalies ----------------------------------------------------------------


def anomalies(market):
    """What each rule flags, in which direction, and what both do."""
    words = list(words_of(market).values())
    rows = []
    for name, verdicts in (("mean", [x for x, _ in words]),
                           ("robust", [x for _, x in words])):
        given = [x for x in verdicts if x is not None]
        found = [x for x in given if x.flagged]
        rows.append([name, number(len(given)), number(len(found)),
                     share(len(found), len(words)),
                     number(sum(x.deviation > 0 for x in found)),
                     number(sum(x.deviation < 0 for x in found))])
    for name, found in (
            ("both", [x for x in words if flagged(x[0]) and flagged(x[1])]),
            ("robust only",
             [x for x in words if flagged(x[1]) and not flagged(x[0])])):
        rows.append([name, number(len(words)), number(len(found)),
                     share(len(found), len(words)),
                     number(sum(x[1].deviation > 0 for x in found)),
                     number(sum(x[1].deviation < 0 for x in found))])
    return table(["rule", "verdicts", "flagged", "% of all sales", "above",
                  "below"], rows)


def flagged_by(market, head, groups):
    """`groups`: (name, sales)."""
    words = words_of(market)
    return table([head, "sales", "mean %", "robust %"], [
        [name, number(len(sales)),
         share(sum(flagged(words[x.id][0]) for x in sales), len(sales)),
         share(sum(flagged(words[x.id][1]) for x in sales), len(sales))]
        for name, sales in groups])


def zip_groups(market):
    """The ZIP codes in five groups by their median price."""
    prices = {}
    for sale in market.sales:
        prices.setdefault(sale.zipcode, []).append(sale.cents)
    order = sorted(prices, key=lambda x: (middle(prices[x]), x))
    for first in range(0, len(order), 14):
        names = order[first:first + 14]
        yield (f"{dollars(middle(prices[names[0]]))} to "
               f"{dollars(middle(prices[names[-1]]))}",
               [x for x in market.sales if x.zipcode in names])


def anomalies_by_zip(market):
    return flagged_by(market, "ZIP's median price, dollars",
                      zip_groups(market))


def anomalies_by_area(market):
    bounds = (0, 1000, 1500, 2000, 2500, 3000, 4000, 100_000)
    return flagged_by(market, "square feet", [
        (market_choices.area_name(low, high),
         [x for x in market.sales if low <= x.sqft < high])
        for low, high in zip(bounds, bounds[1:])])


def strongest(market, rule, strength):
    words = words_of(market)
    found = sorted((x for x in market.sales if words[x.id][rule] is not None),
                   key=lambda x: (-strength(words[x.id][rule]), x.id))[:10]
    return table(["property", "sold", "ZIP", "sqft", "price",
                  "expected: mean", "off %", "expected: robust", "off %",
                  "yardsticks"], [
        [f"`{x.property}`", date_of(formulas.day_of(x.time)), x.zipcode,
         number(x.sqft), dollars(x.cents), dollars(mean.expected_cents),
         percent(mean.deviation),
         *(("-", "-", "-") if robust is None else
           (dollars(robust.expected_cents), percent(robust.deviation),
            percent(robust.score)))]
        for x in found for mean, robust in (words[x.id],)])


def strongest_mean(market):
    return strongest(market, 0, lambda x: abs(x.deviation))


def strongest_robust(market):
    return strongest(market, 1, lambda x: x.score)


def strongest_robust_below(market):
    return strongest(market, 1,
                     lambda x: x.score if x.deviation < 0 else 0)


def planted(market):
    """What the rules flag when a price in turn is wrong by a factor."""
    factors = ((1, 10), (1, 3), (1, 2), (1, 1), (2, 1), (3, 1), (10, 1))
    given = {"mean": 0, "robust": 0}
    found = {x: [0] * len(factors) for x in given}
    for sale in market.sales:
        day = formulas.day_of(sale.time)
        before = [x.cents for x in market.baseline(sale.zipcode, day)]
        level = market.level(sale.zipcode, day)
        for place, (up, down) in enumerate(factors):
            cents = formulas.divided(sale.cents * up, down)
            for name, verdict in (
                    ("mean", formulas.mean_verdict(cents, before)),
                    ("robust", formulas.robust_verdict(cents, sale.sqft,
                                                       level))):
                given[name] += verdict is not None
                found[name][place] += flagged(verdict)
    return table(["rule", "/ 10", "/ 3", "/ 2", "as sold", "x 2", "x 3",
                  "x 10"], [
        [name, *(share(x * len(factors), given[name]) for x in found[name])]
        for name in given])


# -- trends -------------------------------------------------------------------


def trends(market):
    windows = market_reference.windows_of(market.sales)
    rows = []
    for name, chosen in (
            ("whole market", [x for x in windows if not x.zipcode]),
            ("one ZIP", [x for x in windows if x.zipcode]),
            ("one ZIP, 20 sales or more in both",
             [x for x in windows if x.zipcode and x.count >= 20
              and any(y.count >= 20 and y.zipcode == x.zipcode
                      and y.end == x.start for y in windows)])):
        changes = [abs(x.change) for x in chosen if x.change is not None]
        rows.append([name, number(len(chosen)), number(len(changes)),
                     percent(middle(changes)), share(
                         sum(x > 2000 for x in changes), len(changes))])
    medians = {}
    for sale in market.sales:
        medians.setdefault((sale.zipcode, formulas.window_start(
            sale.time, market_reference.WINDOW_MS)), []).append(
                formulas.unit_price(sale.cents, sale.sqft))
    medians = {x: formulas.median(sorted(y)) for x, y in medians.items()}
    changes = [
        abs(formulas.ratio(y - medians[name, before], medians[name, before]))
        for (name, start), y in medians.items()
        for before in (start - market_reference.WINDOW_MS,)
        if (name, before) in medians]
    rows.append(["one ZIP, by median unit price", number(len(medians)),
                 number(len(changes)), percent(middle(changes)),
                 share(sum(x > 2000 for x in changes), len(changes))])
    return table(["windows of", "windows", "changes",
                  "median, either way, %", "beyond 20 %"], rows)


def market_windows(market):
    return table(["window from", "sales", "average, dollars", "change %"], [
        [date_of(x.start // formulas.DAY_MS), number(x.count),
         dollars(x.average),
         "-" if x.change is None else f"{x.change / 100:+.1f}"]
        for x in market_reference.windows_of(market.sales) if not x.zipcode])


# -- valuations and asking prices ---------------------------------------------


def valuations(market):
    """Each sale against the valuation of the home before its day."""
    before = market.valuations_before_sales()
    valued = [(x, before[x.id]) for x in market.sales if before[x.id]]
    rows = []
    for name, chosen in [("all", valued)] + [
            (f"ZIPs at {name}", [x for x in valued if x[0].id in ids])
            for name, ids in ((name, {x.id for x in sales})
                              for name, sales in zip_groups(market))] + [
            ("based on the own sale",
             [x for x in valued if x[1].basis == "own-sale"])]:
        rows.append(
            [name, number(len(chosen))]
            + errors([(value.estimate_cents, x.cents) for x, value in chosen])
            + [share(sum(value.low_cents <= x.cents <= value.high_cents
                         for x, value in chosen), len(chosen))])
    return table(["valued", "sales"] + ERROR_HEAD + ["in the range %"], rows)


def valuations_at_end(market):
    values = market.valuations_at(market.day_after_all()).values()
    given = [x for x in values if x is not None]
    rows = [["properties", number(len(values))],
            ["with a valuation", number(len(given))],
            ["based on the own sale",
             number(sum(x.basis == "own-sale" for x in given))],
            ["median estimate, dollars",
             dollars(middle([x.estimate_cents for x in given]))],
            ["median width of the range, % of the estimate",
             share(middle([(x.high_cents - x.low_cents) / x.estimate_cents
                           for x in given]), 1)]]
    return table(["after the last day", "value"], rows)


def asking_prices(market):
    given = analyses_of(market)
    rows = []
    for low, high in ((0, 1000), (1000, 2500), (2500, 5000), (5000, 7500),
                      (7500, 9000), (9000, 10_001)):
        rows.append([f"{low // 100} to {high // 100}",
                     f"{min(high, 10_000) / 100 - low / 100:.0f}",
                     share(sum(low <= x.rank < high for x in given),
                           len(given)),
                     share(sum(low <= x.unit_rank < high for x in given),
                           len(given))])
    return table(["rank, %", "even would be %", "by price %",
                  "by unit price %"], rows)


def positions(market):
    given = analyses_of(market)
    return table(["position", "sales", "%"], [
        [name, number(sum(x.position == name for x in given)),
         share(sum(x.position == name for x in given), len(given))]
        for name in ("below", "within", "above")])


TABLES = {
    "anomalies": anomalies,
    "anomalies-by-zip": anomalies_by_zip,
    "anomalies-by-area": anomalies_by_area,
    "planted": planted,
    "strongest-mean": strongest_mean,
    "strongest-robust": strongest_robust,
    "strongest-robust-below": strongest_robust_below,
    "robust-rules": market_choices.anomaly_candidates,
    "robust-thresholds": market_choices.thresholds,
    "robust-by-count": market_choices.spread_by_count,
    "trends": trends,
    "market-windows": market_windows,
    "valuations": valuations,
    "valuation-candidates": market_choices.valuation_candidates,
    "added-areas": market_choices.added_areas,
    "unit-prices-by-area": market_choices.unit_prices_by_area,
    "resales": market_choices.resales,
    "ranges": market_choices.ranges,
    "valuations-at-end": valuations_at_end,
    "asking-prices": asking_prices,
    "positions": positions,
}


def main():
    wanted = sys.argv[1:] or list(TABLES)
    unknown = [x for x in wanted if x not in TABLES]
    if unknown:
        raise SystemExit(f"no table {', '.join(unknown)}; there are: "
                         f"{', '.join(TABLES)}")
    market = market_reference.Market(market_reference.read_sales(FILE))
    for name in wanted:
        print(f"\n{name}\n")
        print("\n".join(TABLES[name](market)))


if __name__ == "__main__":
    main()
