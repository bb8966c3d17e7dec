#!/usr/bin/env python3
"""Orders of arrival: late, but never by the grace."""

import collections
import unittest

from arrival_order import lateness_max, shuffled

Sale = collections.namedtuple("Sale", "id time")
DAY_MS = 24 * 60 * 60 * 1000
GRACE_MS = 7 * DAY_MS
# Two a day, for half a year.
SALES = [Sale(f"{x:03}", x // 2 * DAY_MS) for x in range(360)]


class ArrivalOrderTest(unittest.TestCase):
    def test_the_same_sales_arrive_each_once(self):
        order = shuffled(SALES, GRACE_MS, 1)
        self.assertNotEqual(order, SALES)
        self.assertEqual(sorted(order), SALES)

    def test_the_seed_and_the_set_of_sales_decide(self):
        order = shuffled(SALES, GRACE_MS, 1)
        self.assertEqual(shuffled(SALES[::-1], GRACE_MS, 1), order)
        self.assertNotEqual(shuffled(SALES, GRACE_MS, 2), order)

    def test_no_sale_is_late_by_the_grace_and_some_nearly_are(self):
        late = [lateness_max(shuffled(SALES, GRACE_MS, x)) for x in range(50)]
        self.assertLess(max(late), GRACE_MS)
        self.assertGreaterEqual(max(late), GRACE_MS - DAY_MS)

    def test_nor_is_it_in_any_partition(self):
        order = shuffled(SALES, GRACE_MS, 3)
        for count in (2, 3, 7):
            for partition in range(count):
                self.assertLess(
                    lateness_max([x for x in order
                                  if int(x.id) % count == partition]),
                    GRACE_MS)

    def test_lateness_counts_from_the_latest_seen(self):
        self.assertEqual(lateness_max([]), 0)
        self.assertEqual(
            lateness_max([Sale("", x) for x in (5, 9, 7, 12, 8, 20)]), 4)

    def test_without_grace_the_order_is_that_of_the_times(self):
        self.assertEqual(shuffled(SALES[::-1], 0, 1), SALES)


if __name__ == "__main__":
    unittest.main()
