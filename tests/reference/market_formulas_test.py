#!/usr/bin/env python3
"""The formulas against results worked out by hand."""

import unittest

import market_formulas as formulas


class FormulasTest(unittest.TestCase):
    def test_a_half_is_rounded_away_from_zero(self):
        self.assertEqual(
            [formulas.divided(x, 2) for x in (-3, -1, 0, 1, 3)],
            [-2, -1, 0, 1, 2])
        self.assertEqual([formulas.divided(x, 3) for x in (-5, -4, 4, 5)],
                         [-2, -1, 1, 2])

    def test_a_ratio_is_cut_at_its_bound(self):
        self.assertEqual(formulas.ratio(-1, 8), -1250)
        self.assertEqual(formulas.ratio(10**15, 1), 10**9)
        self.assertEqual(formulas.ratio(-10**15, 1), -10**9)

    def test_days_before_1970_are_counted_downwards(self):
        self.assertEqual(
            [formulas.day_of(x) for x in (-86_400_001, -1, 0, 86_399_999)],
            [-2, -1, 0, 0])

    def test_exactly_a_fifth_off_the_mean_is_no_anomaly(self):
        baseline = [100, 100, 100, 100, 100]
        self.assertEqual(formulas.mean_verdict(120, baseline),
                         (5, 100, 2000, False))
        self.assertEqual(formulas.mean_verdict(80, baseline),
                         (5, 100, -2000, False))
        self.assertEqual(formulas.mean_verdict(121, baseline),
                         (5, 100, 2100, True))
        self.assertEqual(formulas.mean_verdict(79, baseline),
                         (5, 100, -2100, True))

    def test_the_rounded_average_does_not_decide(self):
        # The average is 100.5 and 20 % above it are 120.6; the rounded one
        # would allow 121.2.
        baseline = [100, 100, 101, 101, 100, 101]
        self.assertEqual(formulas.mean_verdict(121, baseline),
                         (6, 101, 2040, True))

    def test_four_sales_make_no_mean(self):
        self.assertIsNone(formulas.mean_verdict(500, [1, 1, 1, 1]))

    def test_a_change_compares_the_exact_averages(self):
        self.assertEqual(formulas.change_of(3, 2, 4, 3), 1250)
        self.assertEqual(formulas.change_of(1, 1, 3, 2), -3333)

    def test_what_is_equal_counts_half_in_a_rank(self):
        self.assertEqual(formulas.rank_of(2, [1, 2, 3, 4]), 3750)
        self.assertEqual(formulas.rank_of(0, [1, 2]), 0)
        self.assertEqual(formulas.rank_of(3, [1, 2, 2]), 10000)

    def test_a_unit_price_counts_a_thousand_square_feet_more(self):
        self.assertEqual(formulas.unit_price(30_000_000, 2000), 1_000_000)
        self.assertEqual(formulas.unit_price(15, 2000), 1)
        self.assertEqual(formulas.unit_price(1, 2000), 1)
        self.assertEqual(formulas.price_at(1_000_000, 2000), 30_000_000)
        self.assertEqual(formulas.price_at(10**14, 2000),
                         999_999_999_999_999)

    def test_the_median_of_an_even_number_lies_between(self):
        self.assertEqual(formulas.median([1, 5, 90]), 5)
        self.assertEqual(formulas.median([1, 5, 8, 90]), 7)

    def test_double_and_half_are_equally_far(self):
        self.assertEqual(formulas.distance(50, 100), 10000)
        self.assertEqual(formulas.distance(200, 100), 10000)
        self.assertEqual(formulas.distance(1, 10**14), 10**9)

    def test_a_level_has_a_median_a_spread_and_the_middle_four_fifths(self):
        # Distances from 100: 0.25, 0.0526, 0, 0.05, 0.5.
        self.assertEqual(formulas.level_of([150, 80, 100, 95, 105]),
                         (5, 100, 526, 80, 150))
        self.assertIsNone(formulas.level_of([1, 2, 3, 4]))
        ten = formulas.level_of(range(101, 111))
        self.assertEqual((ten.low, ten.high), (101, 110))
        eleven = formulas.level_of(range(101, 112))
        self.assertEqual((eleven.low, eleven.high), (102, 110))

    def test_one_absurd_sale_does_not_move_the_level(self):
        self.assertEqual(formulas.level_of([100] * 5 + [10**9])[:3],
                         (6, 100, 0))

    def test_the_robust_rule_measures_in_spreads(self):
        level = formulas.Level(8, 1_000_000, 800, 1, 1)
        # The yardstick is (800 + 1200) / 2, seven of it 0.7: to 1.7 times.
        even = formulas.robust_verdict(51_000_000, 2000, level)
        self.assertEqual(even, (8, 30_000_000, 7000, 700, False))
        over = formulas.robust_verdict(51_003_000, 2000, level)
        self.assertEqual(over, (8, 30_000_000, 7001, 700, True))
        # And 1 / 1.7 times below.
        self.assertFalse(
            formulas.robust_verdict(17_650_000, 2000, level).flagged)
        under = formulas.robust_verdict(17_644_000, 2000, level)
        self.assertEqual((under.deviation, under.flagged), (-4119, True))

    def test_the_robust_rule_needs_an_area_and_eight_sales(self):
        level = formulas.Level(7, 1_000_000, 800, 1, 1)
        self.assertIsNone(formulas.robust_verdict(1, 2000, level))
        self.assertIsNone(formulas.robust_verdict(1, None,
                                                  level._replace(count=8)))
        self.assertIsNone(formulas.robust_verdict(1, 2000, None))

    def test_a_home_is_worth_its_area_at_the_level(self):
        level = formulas.Level(5, 1_000_000, 800, 900_000, 1_200_000)
        self.assertEqual(
            formulas.valuation(2000, level),
            (30_000_000, 27_000_000, 36_000_000, "neighborhood"))
        self.assertIsNone(formulas.valuation(2000, None, 100, 100))
        self.assertIsNone(formulas.valuation(None, level))
        self.assertIsNone(formulas.valuation(None, level, 100, None))

    def test_its_own_price_moves_with_the_level_and_counts_if_higher(self):
        level = formulas.Level(5, 1_000_000, 800, 900_000, 1_200_000)
        self.assertEqual(
            formulas.valuation(2000, level, 32_000_000, 800_000),
            (40_000_000, 36_000_000, 48_000_000, "own-sale"))
        self.assertEqual(
            formulas.valuation(2000, level, 16_000_000, 800_000),
            (30_000_000, 20_000_000, 36_000_000, "neighborhood"))
        self.assertEqual(
            formulas.valuation(2000, level, 23_200_000, 800_000),
            (30_000_000, 27_000_000, 36_000_000, "neighborhood"))
        self.assertEqual(
            formulas.valuation(2000, level, 32_000_000, None),
            formulas.valuation(2000, level))
        self.assertEqual(
            formulas.valuation(None, level, 32_000_000, 800_000),
            (40_000_000, 36_000_000, 48_000_000, "own-sale"))

    def test_an_asking_price_has_a_place_among_the_sales(self):
        # Unit prices 100,000 to 500,000.
        baseline = [(3_000_000 * x, 2000) for x in (1, 2, 3, 4, 5)]
        self.assertEqual(
            formulas.price_analysis(4_500_000, 6_000_000, 500, baseline),
            (5, -2500, -5000, 2000, 0, 5000, "within"))
        self.assertEqual(
            formulas.price_analysis(18_000_000, None, 2000, baseline),
            (5, None, 10000, 10000, 10000, 10000, "above"))
        self.assertEqual(
            [formulas.price_analysis(x, None, 2000, baseline).position
             for x in (2_999_000, 3_000_000, 15_000_000, 15_001_000)],
            ["below", "within", "within", "above"])

    def test_an_asking_price_without_areas_has_no_unit_price(self):
        baseline = [(100, 2000)] * 4 + [(100, None)]
        self.assertEqual(
            formulas.price_analysis(100, 100, 2000, baseline),
            (5, 0, 0, 5000, None, None, None))
        self.assertIsNone(
            formulas.price_analysis(100, 100, 2000, baseline[:4]))


if __name__ == "__main__":
    unittest.main()
