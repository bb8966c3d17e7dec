"""What else the formulas could have been, measured on the same sales.

Each function gives the lines of one table. A candidate sees only the sales of
days before the one it is asked about.
"""

import functools

import market_formulas as formulas
from market_tables import ERROR_HEAD, errors, middle, number, share, table

# Where the data is cut in two, to choose on one half and look at the other.
SECOND_HALF_DAY = 16_375


def unit(sale, added):
    return sale.cents / (sale.sqft + added)



def earlier(market, zipcode, day, count):
    """The last sales of a neighborhood before a day."""
    return market.baseline(zipcode, day, day)[-count:]


def area_name(low, high):
    if low == 0:
        return f"below {number(high)}"
    if high == 100_000:
        return f"{number(low)} or more"
    return f"{number(low)} to {number(high - 1)}"


def judged(market):
    """The sales that have a level: every candidate can value them."""
    return [x for x in market.sales
            if market.level(x.zipcode, formulas.day_of(x.time))]


def valued(market, sales, level_of, added):
    """(estimate, price) by a level of (zipcode, day)."""
    level_of = functools.cache(level_of)
    return [(level_of(x.zipcode, formulas.day_of(x.time)) * (x.sqft + added),
             x.cents) for x in sales]


def median_level(market, length, added):
    return lambda zipcode, day: middle_of_two(
        [unit(x, added) for x in market.baseline(zipcode, day, length)])


def middle_of_two(values):
    """The median without rounding."""
    values = sorted(values)
    half = len(values) // 2
    return (values[half] + values[-1 - half]) / 2


def mean_level(market, length, added):
    def level(zipcode, day):
        sales = market.baseline(zipcode, day, length)
        return (sum(x.cents for x in sales)
                / sum(x.sqft + added for x in sales))
    return level


def by_comparable_homes(market, sales, count):
    """From those nearest in area of the last 64."""
    pairs = []
    for sale in sales:
        near = sorted(earlier(market, sale.zipcode,
                              formulas.day_of(sale.time), 64),
                      key=lambda x: (abs(x.sqft - sale.sqft), x.id))[:count]
        pairs.append((middle_of_two([unit(x, 0) for x in near]) * sale.sqft,
                      sale.cents))
    return pairs


def valuation_candidates(market):
    sales = judged(market)

    def average(zipcode, day):
        return formulas.average_of(
            [x.cents for x in market.baseline(zipcode, day)])

    rows = [["average price, 30 days"] + errors(
        [(average(x.zipcode, formulas.day_of(x.time)), x.cents)
         for x in sales])]
    for name, make in (("mean", mean_level), ("median", median_level)):
        for length in (30, 90):
            for added in (0, 1000):
                rows.append(
                    [f"{name} per (sqft + {number(added)}), {length} days"]
                    + errors(valued(market, sales,
                                    make(market, length, added), added)))
    rows.append(["median per (sqft + 1,000), last 64 sales"] + errors(valued(
        market, sales, lambda zipcode, day: middle_of_two(
            [unit(x, 1000) for x in earlier(market, zipcode, day, 64)]),
        1000)))
    rows.append(["median per sqft, the 15 nearest in area of the last 64"]
                + errors(by_comparable_homes(market, sales, 15)))
    return table(["estimate from the ZIP's"] + ERROR_HEAD, rows)


def added_areas(market):
    """The median error by the area added, in both halves of the year."""
    sales = judged(market)
    halves = ([x for x in sales
               if formulas.day_of(x.time) < SECOND_HALF_DAY],
              [x for x in sales
               if formulas.day_of(x.time) >= SECOND_HALF_DAY])
    rows = []
    for added in (0, 500, 800, 900, 1000, 1100, 1200, 1500, 2000):
        level = median_level(market, 30, added)
        rows.append([number(added)] + [
            errors(valued(market, x, level, added))[0] for x in halves])
    return table(["sqft added", "median error %, first half",
                  "second half"], rows)


def unit_prices_by_area(market):
    """How far homes of a size are from the level of all, in the middle."""
    bounds = (0, 1000, 1500, 2000, 2500, 3000, 4000, 100_000)
    rows = []
    for low, high in zip(bounds, bounds[1:]):
        sales = [x for x in judged(market) if low <= x.sqft < high]
        row = [area_name(low, high), number(len(sales))]
        for added in (0, 1000):
            pairs = valued(market, sales, median_level(market, 30, added),
                           added)
            row.append(f"{100 * middle([y / x - 1 for x, y in pairs]):+.1f}")
        rows.append(row)
    return table(["square feet", "sales", "per sqft: off %",
                  "per (sqft + 1,000): off %"], rows)


def resale_estimates(market, sale):
    """By candidate: estimates of a home that was sold before, or None."""
    day = formulas.day_of(sale.time)
    last = market.own_sale(sale.property, day)
    level = market.level(sale.zipcode, day)
    if last is None or level is None:
        return None
    last_day = formulas.day_of(last.time)
    then = market.level(sale.zipcode, last_day)
    if then is None:
        return None
    moved = last.cents * level.median / then.median
    by_area = formulas.price_at(level.median, sale.sqft)
    return {
        "own last price": last.cents,
        "own last price, moved by the market's level":
            last.cents * whole_level(market, day)
            / whole_level(market, last_day),
        "own last price, moved by the ZIP's level": moved,
        "its area at the ZIP's level": by_area,
        "the mean of the last two": (moved + by_area) / 2,
        "the higher of those two": max(moved, by_area),
    }


@functools.cache
def whole_level(market, day):
    return middle_of_two([
        unit(x, 1000) for x in market.sales
        if day - 30 <= formulas.day_of(x.time) < day])


def resales(market):
    estimates = [(resale_estimates(market, x), x.cents) for x in market.sales]
    estimates = [x for x in estimates if x[0]]
    groups = {
        "all": estimates,
        "own higher": [x for x in estimates
                       if x[0]["own last price, moved by the ZIP's level"]
                       > x[0]["its area at the ZIP's level"]]}
    groups["own lower"] = [x for x in estimates
                           if x not in groups["own higher"]]
    rows = []
    for group, members in groups.items():
        names = list(members[0][0])
        for name in names if group == "all" else names[2:4]:
            rows.append([group, number(len(members)), name] + errors(
                [(x[name], price) for x, price in members]))
    return table(["resold", "sales", "estimate"] + ERROR_HEAD, rows)


def ranges(market):
    """How often the price lies in a range, and how wide that is."""
    rows = []
    baselines = []
    for sale in judged(market):
        day = formulas.day_of(sale.time)
        level = market.level(sale.zipcode, day)
        baselines.append((
            formulas.unit_price(sale.cents, sale.sqft), level,
            sorted(formulas.unit_price(x.cents, x.sqft)
                   for x in market.baseline(sale.zipcode, day))))

    def row(name, bounds):
        inside = sum(low <= each <= high for each, low, high, _ in bounds)
        return [name, share(inside, len(bounds)),
                share(middle([(high - low) / center
                              for _, low, high, center in bounds]), 1)]

    for tail in (5, 10, 15):
        bounds = []
        for each, level, units in baselines:
            out = (len(units) - 1) * tail // 100
            bounds.append((each, units[out], units[-1 - out], level.median))
        rows.append(row(f"all but {tail} % of the sales on either side",
                        bounds))
    for tenths in (20, 22):
        bounds = []
        for each, level, _ in baselines:
            wide = 1 + tenths * (level.spread
                                 + formulas.TYPICAL_SPREAD) / 200_000
            bounds.append((each, level.median / wide, level.median * wide,
                           level.median))
        rows.append(row(f"{tenths / 10} yardsticks on either side", bounds))
    return table(["range", "holds the price %", "median width %"], rows)


# -- the robust rule ----------------------------------------------------------

PLANTED = (1 / 3, 1 / 2, 2 / 3, 3 / 2, 2, 3)
PLANTED_HEAD = ["/ 3", "/ 2", "/ 1.5", "x 1.5", "x 2", "x 3"]


def times(one, other):
    return max(one, other) / min(one, other) - 1


def straight(one, center):
    return abs(one - center) / center


def anomaly_candidates(market):
    """How well planted errors are found when as many real sales are flagged.

    Each sale in turn has its price multiplied, with the baseline as it is.
    """
    flagged = 0
    for sale in market.sales:
        verdict = market.robust_verdict(sale)
        flagged += verdict is not None and verdict.flagged
    judged_sales = [
        (x, market.baseline(x.zipcode, formulas.day_of(x.time)))
        for x in market.sales]
    judged_sales = [x for x in judged_sales
                    if len(x[1]) >= formulas.ROBUST_COUNT_MIN]
    rows = []
    for name, added, apart, yardstick in (
            ("per sqft, off in %, by spread", 0, straight,
             lambda x: x),
            ("per sqft, as a factor, by spread", 0, times, lambda x: x),
            ("per (sqft + 1,000), off in %, by spread", 1000, straight,
             lambda x: x),
            ("per (sqft + 1,000), as a factor, by spread", 1000, times,
             lambda x: x),
            ("per (sqft + 1,000), as a factor, by itself", 1000, times,
             lambda x: 1),
            ("per (sqft + 1,000), as a factor, by (spread + 0.12) / 2", 1000,
             times, lambda x: (x + 0.12) / 2)):
        cases = []
        for sale, baseline in judged_sales:
            units = [unit(x, added) for x in baseline]
            center = middle_of_two(units)
            spread = middle_of_two([apart(x, center) for x in units])
            # The spread is 0 when most of the sales are alike.
            cases.append((unit(sale, added), center,
                          max(yardstick(spread), 1e-6)))
        bound = sorted((apart(u, m) / y for u, m, y in cases),
                       reverse=True)[flagged]
        rows.append([name, f"{bound:.1f}"] + [
            share(sum(apart(u * factor, m) / y > bound for u, m, y in cases),
                  len(cases)) for factor in PLANTED])
    return table(["rule", "above"] + PLANTED_HEAD, rows)


def thresholds(market):
    """Flagged sales by the number of spreads and the least count."""
    found = [(market.level(x.zipcode, formulas.day_of(x.time)), x)
             for x in market.sales]
    found = [(level, formulas.distance(
        formulas.unit_price(x.cents, x.sqft), level.median))
        for level, x in found if level]
    rows = []
    for bound in (5, 6, 7, 8):
        row = [bound]
        for count in (5, 8, 15):
            flagged = sum(
                level.count >= count and 2 * apart > bound * (
                    level.spread + formulas.TYPICAL_SPREAD)
                for level, apart in found)
            row.append(f"{number(flagged)} "
                       f"({share(flagged, len(market.sales))} %)")
        rows.append(row)
    return table(["yardsticks", "at least 5 sales", "at least 8",
                  "at least 15"], rows)


def spread_by_count(market):
    """What the robust rule flags, by the size of the baseline."""
    rows = []
    for least, most in ((5, 7), (8, 14), (15, 19), (20, 29), (30, 49),
                        (50, 999)):
        flagged = count = 0
        all_spreads = []
        for sale in market.sales:
            level = market.level(sale.zipcode, formulas.day_of(sale.time))
            if level is None or not least <= level.count <= most:
                continue
            count += 1
            all_spreads.append(level.spread)
            verdict = formulas.robust_verdict(
                sale.cents, sale.sqft,
                level._replace(count=max(level.count,
                                         formulas.ROBUST_COUNT_MIN)))
            flagged += verdict.flagged
        rows.append([f"{least} to {most}" if most < 999 else f"{least} or more",
                     number(count), share(middle(all_spreads), 10_000),
                     share(flagged, count)])
    return table(["sales in the baseline", "sales judged", "median spread %",
                  "beyond 7 yardsticks %"], rows)
