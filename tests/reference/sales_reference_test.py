#!/usr/bin/env python3
"""The reference against results worked out by hand."""

import pathlib
import tempfile
import unittest

import sales_reference as reference

MAPPING = dict(time="t", property="p", neighborhood="n", price="d")
MONTH_MS = 30 * reference.DAY_MS


def read(text):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "sales.csv")
        path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
        return reference.read_sales(path, MAPPING)


class ReferenceTest(unittest.TestCase):
    def test_windows_are_half_open_and_aligned_to_the_epoch(self):
        sales, bad = read("t,p,n,d\n"
                          "1969-12-31,a,x,1\n"
                          "1970-01-01,a,x,2\n"
                          "1970-01-30T23:59:59.999Z,b,x,3.5\n"
                          "1970-01-31T00:00:00Z,b,x,4\n")
        self.assertEqual(bad, [])
        windows = reference.compute(sales, 30)["windows"]
        self.assertEqual(
            [(w["start_ms"], w["count"], w["total_cents"]) for w in windows],
            [(-MONTH_MS, 1, 100), (0, 2, 550), (MONTH_MS, 1, 400)])
        self.assertEqual((windows[1]["min_cents"], windows[1]["max_cents"],
                          windows[1]["end_ms"]), (200, 350, MONTH_MS))

    def test_the_last_price_is_the_latest_and_then_the_later_line(self):
        sales, _ = read("d,n,p,t\n"
                        "1,x,a,2014-05-03\n2,x,a,2014-05-02\n"
                        "3,x,b,2014-05-02\n4,y,b,2014-05-02T00:00\n")
        self.assertEqual(reference.compute(sales, 30)["properties"], [
            {"property": "a", "sales": 2, "last_price_cents": 100},
            {"property": "b", "sales": 2, "last_price_cents": 400}])

    def test_neighborhoods_sum_over_all_time(self):
        sales, _ = read("t,p,n,d\n2014-05-02,a,y,0.01\n"
                        "2015-05-02,b,x,1.10\n2016-05-02,c,x,2\n")
        self.assertEqual(reference.compute(sales, 30)["neighborhoods"], [
            {"neighborhood": "x", "count": 2, "total_cents": 310,
             "min_cents": 110, "max_cents": 200},
            {"neighborhood": "y", "count": 1, "total_cents": 1,
             "min_cents": 1, "max_cents": 1}])

    def test_lines_that_are_no_sale_are_told_and_left_out(self):
        sales, bad = read("\ufefft,p,n,d\r\n"
                          "2014-05-02,a,\"x\r\ny\",1\r\n"
                          "2014-02-30,a,x,1\r\n"
                          "2014-05-02,,x,1\r\n"
                          "2014-05-02,a,\udcfc,1\r\n"
                          "2014-05-02,a,x,-1\r\n"
                          "2014-05-02,a,x,1.234\r\n"
                          "2014-05-02,a,x\r\n"
                          "\r\n"
                          "2014-05-02 , a,\"x, y\",1\r\n")
        self.assertEqual([x["line"] for x in bad], [2, 4, 5, 6, 7, 8, 9])
        self.assertEqual(sales, [reference.Sale(
            1398988800000, "a", "x, y", 100)])


if __name__ == "__main__":
    unittest.main()
