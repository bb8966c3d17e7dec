"""The market's formulas in whole numbers, one function for each.

Knows nothing of how sales arrive: who calls chooses the sales. The guide,
docs/guides/market-formulas.md, says why they are as they are.

- Money is cents. A ratio is in ten-thousandths, so 2500 is a quarter.
- Every division is `divided`: to the nearest, a half away from zero.
- A unit price is hundredths of a cent per square foot, where each home
  counts 1,000 square feet more than it has: the ground it stands on has a
  price as well, and small homes are dearer per square foot than large ones.
- An intermediate result may need 128 bits; what is returned fits in 64.
"""

import collections

DAY_MS = 24 * 60 * 60 * 1000
# A baseline is the sales of a neighborhood on the days [day - 30, day).
BASELINE_DAYS = 30
# A ratio beyond this, a hundred thousand times, is cut to it.
RATIO_MAX = 10**9
CENTS_MAX = 999_999_999_999_999

AREA_ADDED_SQFT = 1000

MEAN_COUNT_MIN = 5
MEAN_DEVIATION_PERCENT = 20

LEVEL_COUNT_MIN = 5
ROBUST_COUNT_MIN = 8
# The spread of a typical neighborhood; half of the yardstick.
TYPICAL_SPREAD = 1200
ROBUST_SPREADS = 7

MeanVerdict = collections.namedtuple(
    "MeanVerdict", "count expected_cents deviation flagged")
# The score is in hundredths of the yardstick; it orders alerts and no more.
RobustVerdict = collections.namedtuple(
    "RobustVerdict", "count expected_cents deviation score flagged")
# Of unit prices. `low` and `high` enclose the middle four fifths.
Level = collections.namedtuple("Level", "count median spread low high")
Valuation = collections.namedtuple(
    "Valuation", "estimate_cents low_cents high_cents basis")
PriceAnalysis = collections.namedtuple(
    "PriceAnalysis",
    "count change to_average rank to_level unit_rank position")


def divided(number, by):
    """`number / by` to the nearest whole number, a half away from zero."""
    quotient = (2 * abs(number) + by) // (2 * by)
    return quotient if number >= 0 else -quotient


def ratio(number, of):
    """`number / of` in ten-thousandths, within RATIO_MAX on either side."""
    return max(-RATIO_MAX, min(divided(number * 10_000, of), RATIO_MAX))


def day_of(time_ms):
    """Days since 1970-01-01 in UTC, also before it."""
    return time_ms // DAY_MS


def window_start(time_ms, length_ms):
    return time_ms // length_ms * length_ms


# -- a set of sales -----------------------------------------------------------


def average_of(cents):
    return divided(sum(cents), len(cents))


def change_of(total, count, total_before, count_before):
    """How far an average is from the one before it; exact before the end."""
    return ratio(total * count_before - total_before * count,
                 total_before * count)


def rank_of(value, others):
    """The share of `others` below it; what is equal counts half."""
    below = sum(x < value for x in others)
    equal = sum(x == value for x in others)
    return divided(10_000 * (2 * below + equal), 2 * len(others))


def mean_verdict(cents, baseline_cents):
    """Is a price over 20 % off the baseline's average? None: too few."""
    count, total = len(baseline_cents), sum(baseline_cents)
    if count < MEAN_COUNT_MIN:
        return None
    apart = cents * count - total
    return MeanVerdict(count, divided(total, count), ratio(apart, total),
                       abs(apart) * 100 > MEAN_DEVIATION_PERCENT * total)


# -- unit prices --------------------------------------------------------------


def unit_price(cents, sqft):
    return max(1, divided(cents * 100, sqft + AREA_ADDED_SQFT))


def price_at(unit, sqft):
    """The price that makes a unit price; the other way round."""
    return min(divided(unit * (sqft + AREA_ADDED_SQFT), 100), CENTS_MAX)


def median(values):
    """@pre not empty, in order"""
    half = len(values) // 2
    if len(values) % 2:
        return values[half]
    return divided(values[half - 1] + values[half], 2)


def distance(one, other):
    """How much dearer the dearer of two is: the same for double and half."""
    return ratio(abs(one - other), min(one, other))


def level_of(unit_prices):
    """The level of a neighborhood's unit prices. None: too few."""
    values = sorted(unit_prices)
    count = len(values)
    if count < LEVEL_COUNT_MIN:
        return None
    middle = median(values)
    tenth = (count - 1) // 10
    return Level(count, middle,
                 median(sorted(distance(x, middle) for x in values)),
                 values[tenth], values[count - 1 - tenth])


def robust_verdict(cents, sqft, level):
    """Is a unit price far from the level, by the level's own spread?

    The yardstick is the mean of that spread and the typical one: a few sales
    that happen to be alike make no narrow measure. None: too few, or no area.
    """
    if sqft is None or level is None or level.count < ROBUST_COUNT_MIN:
        return None
    unit = unit_price(cents, sqft)
    apart = distance(unit, level.median)
    yardstick_doubled = level.spread + TYPICAL_SPREAD
    return RobustVerdict(
        level.count, price_at(level.median, sqft),
        ratio(unit - level.median, level.median),
        divided(apart * 200, yardstick_doubled),
        2 * apart > ROBUST_SPREADS * yardstick_doubled)


def valuation(sqft, level, last_cents=None, median_then=None):
    """What a home is worth: its area at the level, or its own last price.

    That price moves with the level since (`median_then` is the level's median
    on the day of that sale), and counts if it is the higher of the two. The
    range is as wide as the level's, and goes down to that price if it is the
    lower one. None: no level, or neither of the two.
    """
    if level is None:
        return None
    by_area = None if sqft is None else price_at(level.median, sqft)
    moved = None
    if last_cents is not None and median_then is not None:
        moved = min(divided(last_cents * level.median, median_then), CENTS_MAX)
    known = [x for x in (by_area, moved) if x is not None]
    if not known:
        return None
    estimate = max(known)
    low = divided(estimate * level.low, level.median)
    high = min(divided(estimate * level.high, level.median), CENTS_MAX)
    return Valuation(estimate, low if moved is None else min(low, moved), high,
                     "neighborhood" if estimate == by_area else "own-sale")


def price_analysis(cents, previous_cents, sqft, baseline):
    """Where an asking price stands among `baseline`, pairs (cents, sqft).

    `to_level`, `unit_rank` and `position` need areas, `change` a price before
    this one; else they are None. None as a whole: fewer than five sales.
    """
    prices = [x for x, _ in baseline]
    mean = mean_verdict(cents, prices)
    if mean is None:
        return None
    change = (None if previous_cents is None
              else ratio(cents - previous_cents, previous_cents))
    units = [unit_price(x, area) for x, area in baseline if area is not None]
    level = level_of(units)
    if sqft is None or level is None:
        return PriceAnalysis(mean.count, change, mean.deviation,
                             rank_of(cents, prices), None, None, None)
    unit = unit_price(cents, sqft)
    position = ("below" if unit < level.low
                else "above" if unit > level.high else "within")
    return PriceAnalysis(mean.count, change, mean.deviation,
                         rank_of(cents, prices),
                         ratio(unit - level.median, level.median),
                         rank_of(unit, units), position)
