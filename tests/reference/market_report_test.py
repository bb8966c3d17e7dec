#!/usr/bin/env python3
"""The guide's tables against those that the report prints."""

import pathlib
import unittest

import market_reference
import market_report
from market_tables import errors, middle, share, table

GUIDE = (pathlib.Path(__file__).resolve().parents[2]
         / "docs/guides/market-formulas.md")


class TablesTest(unittest.TestCase):
    def test_a_column_of_numbers_stands_at_the_right(self):
        self.assertEqual(table(["a", "b"], [["x", 1], ["2", "-"]]),
                         ["| a | b |", "|---|---:|", "| x | 1 |", "| 2 | - |"])

    def test_errors_are_relative_to_the_price(self):
        self.assertEqual(
            errors([(90, 100), (120, 100), (100, 200), (30, 10), (101, 100)]),
            ["20.0", "40.0", "60.0", "+1.0"])

    def test_shares_and_medians(self):
        self.assertEqual(share(1, 8), "12.5")
        self.assertEqual(share(0, 0), "-")
        self.assertEqual(middle([9, 1, 5]), 5)


class GuideTest(unittest.TestCase):
    def test_the_guide_has_each_table_as_it_is_printed(self):
        market = market_reference.Market(
            market_reference.read_sales(market_report.FILE))
        guide = GUIDE.read_text(encoding="utf-8")
        for name, make in market_report.TABLES.items():
            with self.subTest(name):
                self.assertIn(
                    "\n".join([f"`market_report.py {name}`:", "",
                               *make(market), ""]), guide)


if __name__ == "__main__":
    unittest.main()
