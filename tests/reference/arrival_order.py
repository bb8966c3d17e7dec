"""Orders in which sales may arrive when none is late beyond the grace."""

import random


def shuffled(sales, grace_ms, seed):
    """The sales in the order of (time + a delay), by a seed.

    Each is delayed by a whole number of milliseconds in [0, grace). So when
    one arrives after another, it is at most that delay older: less than the
    grace. That holds for any two, hence also within every partition, however
    the sales are spread over partitions, as long as each keeps this order.
    Only the set of sales counts, not the order they are given in.
    """
    generator = random.Random(seed)
    # Of its methods, only random() is promised to stay as it is.
    due = [(sale.time + int(generator.random() * grace_ms), sale)
           for sale in sorted(sales, key=lambda x: (x.time, x.id))]
    return [sale for _, sale in sorted(due, key=lambda x: x[0])]


def lateness_max(sales):
    """How far a sale arrives behind the latest time seen before it."""
    latest, late = None, 0
    for sale in sales:
        if latest is not None:
            late = max(late, latest - sale.time)
        latest = sale.time if latest is None else max(latest, sale.time)
    return late
