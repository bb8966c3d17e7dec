#!/usr/bin/env python3
"""Looks at the page of `freehold report` in a real, headless browser.

    FREEHOLD_BINARY=build/release/freehold report_test.py

The page of all demonstration sales is compared with the topics it is made of,
as `freehold topic cat` prints them. SCREENSHOTS=DIR keeps pictures of it.
"""

import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from browser import Browser

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("FREEHOLD_BINARY",
                                     ROOT / "build/release/freehold")).resolve()
DEMO_SALES = ROOT / "configs/demo/king_county_sales.csv"
MAPPING = ("time=sale_date,property=property_id,neighborhood=zipcode,"
           "price=price_usd,area=living_area_sqft")
HEADER = "sale_date,property_id,zipcode,price_usd,living_area_sqft\n"

# What is known of the sales; the numbers in the page are compared with the
# topics one by one.
NEIGHBORHOODS = 70
WINDOWS = 972
ANOMALIES = 390

# Nothing here takes that long; a hang must not outlive the test run.
TIME_LIMIT_S = 120

# Of every neighborhood: its windows in the curve and in the table, and its
# anomalies as marks and as rows, with their data- attributes.
READ_PAGE = """
  const all = (where, what) =>
    [...where.querySelectorAll(what)].map(x => ({...x.dataset}));
  return [...document.querySelectorAll("article[data-zip]")].map(x => ({
    zip: x.dataset.zip, sales: x.dataset.sales, byMean: x.dataset.byMean,
    curves: x.querySelectorAll("svg.curve").length,
    points: x.querySelectorAll("svg.curve .w > circle.point").length,
    windows: all(x, "svg.curve .w"), rows: all(x, "tr[data-start]"),
    marks: all(x, "svg.curve .mark"), anomalies: all(x, "tr[data-sale]"),
    titles: x.querySelectorAll(".mark > title, .w > title").length,
  }));
"""
VISIBLE = """
  return [...document.querySelectorAll("article[data-zip]")]
    .filter(x => x.checkVisibility()).map(x => x.dataset.zip);
"""


def cents(dollars):
    return str(round(dollars * 100))


def window_of(value):
    return {"start": value["windowStart"], "count": str(value["count"]),
            "averageCents": cents(value["average"]),
            "minimumCents": cents(value["minimum"]),
            "maximumCents": cents(value["maximum"])}


def anomaly_of(value):
    return {"sale": value["saleId"], "property": value["propertyId"],
            "sold": value["soldAt"], "priceCents": cents(value["actualPrice"]),
            "expectedCents": cents(value["expectedPrice"]),
            "deviation": str(round(value["deviation"] * 10_000))}


def freehold(*words, status=0):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("FREEHOLD_")}
    done = subprocess.run([str(BINARY), *map(str, words)], text=True,
                          capture_output=True, timeout=TIME_LIMIT_S,
                          env=environment, check=False)
    if done.returncode != status:
        raise AssertionError(f"{words}: status {done.returncode}\n"
                             f"{done.stdout}\n{done.stderr}")
    return done


def last_words(data):
    """The windows, trends and anomalies by what the topics say last."""
    def values(topic):
        for line in freehold("topic", "cat", topic, "--json", "--data",
                             data).stdout.splitlines():
            record = json.loads(line)
            yield record["headers"]["ce_type"], record["value"]

    windows, trends, anomalies, by_mean = {}, {}, {}, {}
    for _, value in values("neighborhood-prices"):
        windows[value["zipcode"], value["windowStart"]] = value
    for _, value in values("market-trends"):
        trends[value["zipcode"], value["windowStart"]] = value
    for kind, value in values("price-anomaly-alerts"):
        rule = anomalies if kind.startswith("Unit") else by_mean
        rule[value["saleId"]] = value
    def flagged(of):
        return [x for x in of.values() if x.get("anomalous", True)]
    return windows, trends, flagged(anomalies), flagged(by_mean)


class Folder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="freehold-report-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.page = self.folder / "report.html"

    def run_sales(self, file):
        freehold("run", "--import", file, "--map", MAPPING, "--close-windows",
                 "--data", self.data)

    def report(self, status=0):
        return freehold("report", "--html", self.page, "--data", self.data,
                        status=status)

    def check_quiet(self, browser):
        """No script or console error, nothing fetched but the page."""
        self.assertEqual(browser.log("browser"), [])
        self.assertEqual([x for x in browser.requests()
                          if not x.startswith(("data:", "chrome:"))],
                         [self.page.as_uri()])


class DemonstrationPage(Folder):
    maxDiff = 2000

    def test_the_page_shows_what_the_topics_say(self):
        self.run_sales(DEMO_SALES)
        done = self.report()
        self.assertEqual(done.stdout, f"{self.page}: {NEIGHBORHOODS} "
                         f"neighborhoods, {NEIGHBORHOODS} curves\n")
        self.assertEqual(done.stderr, "")
        with Browser() as browser:
            browser.open("data:text/html,")
            browser.requests()
            browser.open(self.page.as_uri())
            self.check_numbers(browser)
            self.check_filter(browser)
            self.check_quiet(browser)
        self.check_width_and_pictures()

    def check_numbers(self, browser):
        windows, trends, anomalies, by_mean = last_words(self.data)
        self.assertEqual(len(windows), WINDOWS)
        self.assertEqual(len(anomalies), ANOMALIES)
        cards = browser.run(READ_PAGE)
        self.assertEqual(len(cards), NEIGHBORHOODS)
        self.assertEqual(sum(x["curves"] for x in cards), NEIGHBORHOODS)
        self.assertEqual(sum(len(x["marks"]) for x in cards), ANOMALIES)
        self.assertEqual([x["zip"] for x in cards],
                         sorted((x["zip"] for x in cards),
                                key=lambda zipcode: (-sum(
                                    y["count"] for y in windows.values()
                                    if y["zipcode"] == zipcode), zipcode)))
        compared = 0
        for card in cards:
            where = card["zip"]
            expected = []
            for key in sorted(x for x in windows if x[0] == where):
                expected.append(window_of(windows[key]))
                if key in trends:
                    expected[-1]["change"] = str(
                        round(trends[key]["change"] * 10_000))
            self.assertEqual(card["points"], len(expected), where)
            self.assertEqual(card["windows"], expected, where)
            self.assertEqual(card["rows"], expected, where)
            self.assertEqual(int(card["sales"]),
                             sum(int(x["count"]) for x in expected), where)
            self.assertEqual(int(card["byMean"]), sum(
                x["zipcode"] == where for x in by_mean), where)
            marks = sorted((anomaly_of(x) for x in anomalies
                            if x["zipcode"] == where),
                           key=lambda x: (x["sold"], x["sale"]))
            self.assertEqual(card["marks"], marks, where)
            self.assertEqual(card["anomalies"], marks, where)
            self.assertEqual(card["titles"], len(expected) + len(marks))
            compared += sum(map(len, expected + marks)) * 2 + 2
        print(f"compared {compared} numbers with the topics", file=sys.stderr)
        self.check_whole_market(browser, trends, len(by_mean))

    def check_whole_market(self, browser, trends, by_mean):
        tiles = browser.run("""return Object.fromEntries(
          [...document.querySelectorAll(".tile")].map(
            x => [x.id, x.dataset.value]));""")
        market = [trends[key] for key in sorted(trends) if key[0] == "all"]
        self.assertEqual(tiles, {
            "sales": "21613", "neighborhoods": str(NEIGHBORHOODS),
            "windows": str(WINDOWS), "anomalies": str(ANOMALIES),
            "by-mean": str(by_mean), "left-out": "0",
            "trend": str(round(market[-1]["change"] * 10_000))})
        drawn = browser.run("""return [...document.querySelectorAll(
          "svg.market .w")].map(x => ({...x.dataset}));""")
        self.assertEqual(
            [(x["count"], x["averageCents"]) for x in drawn],
            [(str(market[0]["previousCount"]),
              cents(market[0]["previousAverage"]))]
            + [(str(x["count"]), cents(x["average"])) for x in market])
        self.assertEqual([x.get("change") for x in drawn], [None] + [
            str(round(x["change"] * 10_000)) for x in market])

    def check_filter(self, browser):
        self.assertEqual(len(browser.run(VISIBLE)), NEIGHBORHOODS)
        browser.type("#zip", "98103")
        self.assertEqual(browser.run(VISIBLE), ["98103"])
        self.assertEqual(browser.run(
            "return document.getElementById('shown').textContent"),
            f"1 of {NEIGHBORHOODS} neighborhoods")
        # A link to a card that is hidden shows it.
        browser.run("document.querySelector('.pair a').click()")
        self.assertEqual(len(browser.run(VISIBLE)), NEIGHBORHOODS)
        browser.type("#zip", "nowhere")
        self.assertEqual(browser.run(VISIBLE), [])
        browser.run("""const zip = document.getElementById("zip");
          zip.value = ""; zip.dispatchEvent(new Event("input"));""")
        browser.click("#tables")
        self.assertEqual(browser.run("""return document.querySelectorAll(
          "article details:not([open])").length"""), 0)

    def check_width_and_pictures(self):
        folder = os.environ.get("SCREENSHOTS")
        for name, width, dark in (("light", 1280, False), ("dark", 1280, True),
                                  ("phone", 390, False)):
            with self.subTest(name), Browser(dark=dark) as browser:
                browser.devtools("Emulation.setDeviceMetricsOverride",
                                 width=width, height=1100, mobile=width < 500,
                                 deviceScaleFactor=1)
                browser.open(self.page.as_uri())
                # Tables scroll by themselves; the page never goes sideways.
                self.assertLessEqual(
                    browser.run("return document.body.scrollWidth"), width)
                if folder:
                    browser.screenshot(os.path.join(folder, name + ".png"))
                    browser.run("document.getElementById('each')"
                                ".scrollIntoView()")
                    browser.screenshot(os.path.join(folder,
                                                    name + "-cards.png"))


class OtherPages(Folder):
    def test_a_record_cannot_run_a_script(self):
        evil = "<script>document.title='taken'</script>\"'><img src=x>"
        rows = [f"2014-05-{day:02},{day},98103,{price},1000"
                for day, price in enumerate((100_000,) * 10, 1)]
        quoted = evil.replace('"', '""')
        rows.append(f'2014-05-20,"{quoted}","98103",900000,1000')
        rows.append(f'2014-05-20,1,"{quoted}",900000,1000')
        file = self.folder / "sales.csv"
        file.write_text(HEADER + "\n".join(rows) + "\n")
        self.run_sales(file)
        self.report()
        with Browser() as browser:
            browser.open("data:text/html,")
            browser.requests()
            browser.open(self.page.as_uri())
            self.assertEqual(browser.run("return document.title"),
                             "The market by neighborhood")
            cards = {x["zip"]: x for x in browser.run(READ_PAGE)}
            self.assertEqual(set(cards), {"98103", evil})
            self.assertEqual([x["property"] for x in
                              cards["98103"]["marks"]], [evil])
            self.assertEqual(browser.run(
                "return document.querySelectorAll('script, img').length"), 1)
            # Should one come in after all, the page's policy stops it.
            browser.run("""const one = document.createElement("script");
              one.textContent = "document.title = 'taken'";
              document.body.append(one);""")
            self.assertEqual(browser.run("return document.title"),
                             "The market by neighborhood")
            self.assertIn("Content Security Policy",
                          browser.log("browser")[0]["message"])

    def test_the_page_is_written_beside_a_running_node_and_replaced(self):
        file = self.folder / "sales.csv"
        file.write_text(HEADER + "2014-05-11,1,98103,100000,1000\n"
                        "2014-08-11,2,98103,200000,1000\n")
        self.run_sales(file)
        node = subprocess.Popen([str(BINARY), "node", "--data",
                                 str(self.data)],
                                stderr=subprocess.PIPE, text=True)
        self.addCleanup(node.stderr.close)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        for line in node.stderr:
            if "runs:" in line:
                break
        self.page.write_text("old")
        self.assertIn("1 neighborhood, 1 curve\n", self.report().stdout)
        self.assertTrue(self.page.read_text().startswith("<!DOCTYPE html>"))
        self.assertEqual(sorted(x.name for x in self.folder.iterdir()),
                         ["data", "report.html", "sales.csv"])
        node.send_signal(signal.SIGTERM)
        self.assertEqual(node.wait(timeout=TIME_LIMIT_S), 0)
        with Browser() as browser:
            browser.open("data:text/html,")
            browser.requests()
            browser.open(self.page.as_uri())
            self.assertEqual([x["points"] for x in browser.run(READ_PAGE)],
                             [2])
            self.check_quiet(browser)

    def test_an_empty_market_has_a_page(self):
        file = self.folder / "sales.csv"
        file.write_text(HEADER)
        self.run_sales(file)
        done = self.report()
        self.assertIn("0 neighborhoods, 0 curves", done.stdout)
        self.assertIn("--close-windows", done.stderr)
        with Browser() as browser:
            browser.open("data:text/html,")
            browser.requests()
            browser.open(self.page.as_uri())
            self.assertEqual(browser.run(READ_PAGE), [])
            self.check_quiet(browser)

    def test_what_cannot_be_done_is_named_and_leaves_nothing(self):
        self.assertIn(str(self.data), self.report(status=2).stderr)
        self.assertFalse(self.page.exists())
        file = self.folder / "sales.csv"
        file.write_text(HEADER + "2014-05-11,1,98103,100000,1000\n")
        self.run_sales(file)
        for page, words in ((self.folder, "is a directory"),
                            (self.folder / "none/a.html", "make it first"),
                            (self.data / "a.html", "data directory")):
            with self.subTest(words):
                self.page = page
                stderr = self.report(status=2).stderr
                self.assertIn(str(page), stderr)
                self.assertIn(words, stderr)
        self.assertFalse((self.data / "a.html").exists())


if __name__ == "__main__":
    unittest.main()
