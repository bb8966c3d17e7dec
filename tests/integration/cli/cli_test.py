#!/usr/bin/env python3
"""Drives the real `freehold` as a person would, through its command line.

    FREEHOLD_BINARY=build/release/freehold cli_test.py

DIRECT_DELIVERY=false runs the same with mailboxes.

Each case has a data directory of its own. Figures are compared with those of
tests/reference/sales_reference.py, which shares no code with the program.
"""

import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = pathlib.Path(os.environ.get("FREEHOLD_BINARY",
                                     ROOT / "build/release/freehold")).resolve()
DEMO_SALES = ROOT / "configs/demo/king_county_sales.csv"
REFERENCE = ROOT / "tests/reference/sales_reference.py"
DIRECT = os.environ.get("DIRECT_DELIVERY", "true")
WINDOW_MS = 30 * 24 * 60 * 60 * 1000

# Nothing here takes that long; a hang must not outlive the test run.
TIME_LIMIT_S = 120

CONFIGURATION = """\
application:
  name: shop
  shards: 3
engine:
  workers: 2
  commit-interval-ms: 20
  direct-delivery: {direct}
retry:
  first-delay-ms: 100
"""

HEADER = "sale_date,property_id,zipcode,price_usd\n"


def milliseconds(text):
    """Of `2014-05-02T00:00:00.000Z`, since 1970."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round(moment.timestamp() * 1000)


class CommandLine(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="freehold-cli-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.data = self.folder / "data"
        self.config = self.folder / "shop.yaml"
        self.config.write_text(CONFIGURATION.format(direct=DIRECT))
        self.environment = {key: value for key, value in os.environ.items()
                            if not key.startswith("FREEHOLD_")}

    # -- plumbing -------------------------------------------------------------

    def arguments(self, *words, configured=True):
        all_words = [str(BINARY), *map(str, words), "--data", str(self.data)]
        return all_words + (["--config", str(self.config)] if configured
                            else [])

    def freehold(self, *words, status=0, configured=True):
        """Runs a command to its end and checks its status."""
        return self.finished(self.arguments(*words, configured=configured),
                             status)

    def finished(self, arguments, status, given=""):
        done = subprocess.run(arguments, capture_output=True, text=True,
                              timeout=TIME_LIMIT_S, env=self.environment,
                              input=given, check=False)
        self.assertEqual(done.returncode, status,
                         f"{arguments}\n{done.stdout}\n{done.stderr}")
        return done

    def start(self, *words):
        """Starts `freehold node`; returns when it says that it runs."""
        node = subprocess.Popen(self.arguments("node", *words),
                                stderr=subprocess.PIPE, text=True,
                                env=self.environment)
        self.addCleanup(node.stderr.close)
        self.addCleanup(node.wait)
        self.addCleanup(node.kill)
        self.wait_for_line(node, "runs:")
        return node

    def wait_for_line(self, node, words):
        seen = []
        for line in node.stderr:
            seen.append(line)
            if words in line:
                return line
        self.fail(f"the node ended without saying {words!r}: {seen}")

    def stop(self, node, how=signal.SIGTERM):
        node.send_signal(how)
        status = node.wait(timeout=TIME_LIMIT_S)
        return status

    def file(self, text, name="sales.csv"):
        path = self.folder / name
        path.write_text(text)
        return path

    def records(self, topic, *words):
        lines = self.freehold("topic", "cat", topic, "--json", *words,
                              configured=False).stdout.splitlines()
        return [json.loads(line) for line in lines]

    def entities(self, kind):
        lines = self.freehold("entity", "list", kind, "--json",
                              configured=False).stdout.splitlines()
        return {x["key"]: x for x in map(json.loads, lines)}

    def reference_of(self, path):
        done = self.finished([sys.executable, "-B", str(REFERENCE), str(path)],
                             0)
        return json.loads(done.stdout)

    def check_against_reference(self, path):
        """Every number of the reference and nothing else; how many."""
        reference = self.reference_of(path)
        neighborhoods = self.entities("neighborhood")
        properties = self.entities("property")
        compared = 0

        def same(what, left, right):
            nonlocal compared
            compared += 1
            self.assertEqual(left, right, what)

        def same_totals(what, state, totals):
            for ours, theirs in (("count", "count"),
                                 ("totalCents", "total_cents"),
                                 ("minimumCents", "min_cents"),
                                 ("maximumCents", "max_cents")):
                same(f"{what} {ours}", state[ours], totals[theirs])

        same("neighborhoods", len(neighborhoods),
             len(reference["neighborhoods"]))
        for each in reference["neighborhoods"]:
            name = each["neighborhood"]
            same_totals(name, neighborhoods[name]["state"]["overall"], each)
        windows = {(x["key"], milliseconds(x["value"]["windowStart"])):
                   x["value"] for x in self.records("neighborhood-prices")}
        same("windows", len(windows), len(reference["windows"]))
        for each in reference["windows"]:
            name, start = each["neighborhood"], each["start_ms"]
            found = windows[name, start]
            same(f"{name} {start} length", each["end_ms"] - start, WINDOW_MS)
            same(f"{name} {start} end", milliseconds(found["windowEnd"]),
                 each["end_ms"])
            same(f"{name} {start} count", found["count"], each["count"])
            for ours, theirs in (("total", "total_cents"),
                                 ("minimum", "min_cents"),
                                 ("maximum", "max_cents")):
                same(f"{name} {start} {ours}", round(found[ours] * 100),
                     each[theirs])
        same("properties", len(properties), len(reference["properties"]))
        for each in reference["properties"]:
            state = properties[each["property"]]["state"]
            same(each["property"], state["saleCount"], each["sales"])
            same(each["property"], round(state["lastSale"]["price"] * 100),
                 each["last_price_cents"])
        self.assertGreater(compared, 0, "nothing was compared")
        return compared

    # -- import ---------------------------------------------------------------

    def test_import_appends_two_commands_a_sale_and_repeats_nothing(self):
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n"
                         "2014-05-03,2,98004,200000.50\n"
                         "2014-05-03,2,98004,200000.50\n")
        first = self.freehold("import", path)
        self.assertIn("3 rows, 0 already there, 3 appended", first.stdout)
        commands = self.records("property-commands")
        self.assertEqual(len(commands), 6)
        self.assertEqual(len({x["headers"]["ce_id"] for x in commands}), 6)
        self.assertEqual({x["headers"]["ce_type"] for x in commands},
                         {"ListProperty", "RecordSale"})
        again = self.freehold("import", path)
        self.assertIn("3 rows, 3 already there, 0 appended", again.stdout)
        self.assertEqual(len(self.records("property-commands")), 6)

    def test_import_reports_bad_lines_and_takes_the_others(self):
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n"
                         "2014-05-02,2,98103,a lot\n"
                         "2014-05-02,3\n"
                         "2014-05-02,4,98103,5\n")
        done = self.freehold("import", path, status=1)
        self.assertIn("2 rows", done.stdout)
        self.assertIn("2 bad lines", done.stdout)
        self.assertIn(f"{path}:3: column price_usd:", done.stderr)
        self.assertIn(f"{path}:4:", done.stderr)
        self.assertEqual(len(self.records("property-commands")), 4)

    def test_import_of_what_cannot_be_read_leaves_nothing_behind(self):
        done = self.freehold("import", self.folder / "none.csv", status=2)
        self.assertIn("none.csv", done.stderr)
        self.assertFalse(self.data.exists())
        path = self.file("a,b\n1,2\n")
        done = self.freehold("import", path, status=2)
        self.assertIn("a", done.stderr)
        self.assertFalse(self.data.exists())

    # -- a topic of others ----------------------------------------------------

    def follow(self, topic="property-events"):
        """From here on properties follow a topic."""
        self.config.write_text(
            CONFIGURATION.format(direct=DIRECT).replace(
                "shards: 3", "shards: 3\n  source: events\n"
                f"  events-topic: {topic}"))

    def produce(self, text, *words, status=0):
        return self.finished(
            self.arguments("topic", "produce", "property-events", *words),
            status, text)

    @staticmethod
    def event(name, identity, changes, **metadata):
        return name + "\t" + json.dumps({
            "eventId": identity, "timestamp": "2014-05-02T00:00:00Z",
            "propertyId": name, "changes": changes,
            "metadata": metadata}) + "\n"

    def test_properties_follow_events_that_were_produced(self):
        self.follow()
        sold = {"status": "sold", "price": 200000}
        done = self.produce(
            self.event("1", "a", sold, userId="u", source="mls") +
            self.event("1", "b", {"description": "x"}, zipcode="98103") +
            self.event("1", "a", sold) +
            self.event("2", "c", sold) +
            "3\tnothing\n")
        self.assertEqual(done.stdout, "property-events: 5 records appended, "
                                      "0 bad lines\n")
        done = self.freehold("run", "--close-windows")
        self.assertIn("1 sale of properties whose neighborhood", done.stdout)
        self.assertIn("Dead-lettered: 1 record", done.stdout)
        self.assertIn("Repeated: 1 message", done.stdout)
        self.assertIn("$200,000.00", done.stdout)
        # From here on without a configuration: the log knows what it is.
        states = {x: y["state"] for x, y in self.entities("property").items()}
        self.assertEqual(states["1"]["status"]["text"], "sold")
        self.assertEqual(len(states["2"]["unplaced"]), 1)
        history = self.freehold("entity", "history", "property", "1",
                                configured=False).stdout
        self.assertIn("PropertyFollowed", history)
        self.assertIn("PropertySold", history)
        self.assertIn('"source":"mls"', history)
        self.assertIn("All of it agrees",
                      self.freehold("verify", configured=False).stdout)
        # Only others write to the topic.
        self.assertEqual({x["offset"] for x in self.records("property-events")
                          if x["headers"]}, set())

    def test_produce_reports_bad_lines_and_keeps_the_others(self):
        self.follow()
        path = self.folder / "events.tsv"
        path.write_bytes(b"1\t{}\nno tab\n\xff\t{}\n2\t\xff\n\t{}\n3\t\n4\t[]")
        done = self.produce("", "--file", path, status=1)
        self.assertIn("2 records appended, 5 bad lines", done.stdout)
        for line, reason in ((2, "no tab"), (3, "key is not UTF-8"),
                             (4, "value is not UTF-8"), (5, "key"),
                             (6, "value")):
            self.assertRegex(done.stderr, f"{path}:{line}: it[^\n]*{reason}")
        self.assertEqual({x["key"] for x in self.records("property-events")},
                         {"1", "4"})

    def test_produce_says_what_it_cannot_write_to_and_leaves_nothing(self):
        self.follow()
        for words, expected in (
                (["property-journal", "--set",
                  "application.events-topic=property-journal"],
                 "which the application writes itself"),
                (["neighborhood-prices"], "reads: property-events"),
                (["property-events", "--file", self.folder / "none"], "none"),
                (["property-events", "--set", "log.kind=memory"], "memory")):
            with self.subTest(words=words):
                done = self.freehold("topic", "produce", *words, status=2)
                self.assertIn(expected, done.stderr)
                self.assertFalse(self.data.exists())

    def test_produce_takes_what_comes_until_it_is_interrupted(self):
        self.follow()
        feeder = subprocess.Popen(
            self.arguments("topic", "produce", "property-events"),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=self.environment)
        self.addCleanup(feeder.kill)
        feeder.stdin.write("1\t{}\n2\t{}\n3\t{")
        feeder.stdin.flush()
        self.wait_for_records("property-events", 2)
        # One process writes at a time.
        refused = self.produce("4\t{}\n", status=2)
        self.assertIn("process", refused.stderr)
        feeder.send_signal(signal.SIGINT)
        # Its stdin stays open: no end of the input ends it.
        self.assertEqual(feeder.wait(timeout=TIME_LIMIT_S), 1)
        out, complaints = feeder.communicate()
        self.assertIn("2 records appended, 0 bad lines", out)
        self.assertIn("stopped before the end of stdin", complaints)
        self.assertEqual(len(self.records("property-events")), 2)

    def wait_for_records(self, topic, count):
        """Looks again and again, as long as that may take."""
        end = time.monotonic() + TIME_LIMIT_S
        while time.monotonic() < end:
            done = subprocess.run(
                self.arguments("topic", "list", "--json", configured=False),
                capture_output=True, text=True, timeout=TIME_LIMIT_S,
                env=self.environment, check=False)
            found = {x["topic"]: x["records"] for x
                     in map(json.loads, done.stdout.splitlines())}
            if found.get(topic, 0) >= count:
                return
        self.fail(f"{topic} has no {count} records in time")

    def test_import_writes_events_where_properties_follow(self):
        self.follow("homes")
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n"
                         "2014-05-03,2,98004,200000.50\n")
        self.assertIn("2 appended", self.freehold("import", path).stdout)
        self.assertIn("2 already there, 0 appended",
                      self.freehold("import", path).stdout)
        self.assertEqual([x["headers"] for x in self.records("homes")],
                         [{}, {}])
        self.data = self.folder / "all"
        self.freehold("run", "--import", DEMO_SALES, "--close-windows")
        self.check_against_reference(DEMO_SALES)

    def test_a_log_that_was_made_with_another_source_is_refused(self):
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n")
        self.freehold("run", "--import", path)
        self.follow()
        for command in (["run"], ["node"], ["import", path],
                        ["topic", "produce", "property-events"]):
            with self.subTest(command=command):
                done = self.freehold(*command, status=2)
                self.assertIn("was made with application.source: commands",
                              done.stderr)
                self.assertIn("log.directory", done.stderr)
        self.data = self.folder / "other"
        self.freehold("run", "--import", path)
        self.follow("homes")
        done = self.freehold("run", status=2)
        self.assertIn("application.events-topic: property-events", done.stderr)

    # -- run ------------------------------------------------------------------

    def test_run_gives_what_the_reference_gives(self):
        first = self.freehold("run", "--import", DEMO_SALES,
                              "--close-windows")
        self.assertIn("Sales by neighborhood", first.stdout)
        compared = self.check_against_reference(DEMO_SALES)
        print(f"compared {compared} numbers with the reference",
              file=sys.stderr)
        reference = self.reference_of(DEMO_SALES)
        self.assertIn(f"{len(reference['windows']):,} windows of 30 days",
                      first.stdout)
        self.assertEqual(self.records("dead-letter-events"), [])
        again = self.freehold("run", "--import", DEMO_SALES,
                              "--close-windows")
        self.assertIn("all of them were already there", again.stdout)
        self.assertIn("Nothing new to handle", again.stdout)

    def test_run_in_memory_needs_no_directory(self):
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n")
        done = self.finished([str(BINARY), "run", "--set", "log.kind=memory",
                              "--import", str(path)], 0)
        self.assertIn("$100,000.00", done.stdout)
        self.assertIn("in memory", done.stdout)

    # -- looking --------------------------------------------------------------

    def test_topics_are_shown_as_json_with_their_contents(self):
        self.freehold("run", "--import",
                      self.file(HEADER + "2014-05-02,1,98103,100000.25\n"))
        topics = [json.loads(line) for line in self.freehold(
            "topic", "list", "--json", configured=False).stdout.splitlines()]
        self.assertEqual({x["topic"]: x["records"] for x in topics
                          if x["role"] in ("source", "output")},
                         {"property-commands": 2, "property-events": 2, "dead-letter-events": 0,
                          "neighborhood-prices": 0, "market-trends": 0,
                          "price-anomaly-alerts": 0, "market-late": 0,
                          "property-valuations": 0, "price-analyses": 0})
        # What was taken is gone from the inbox; shards that rest may have said
        # so to all since.
        inbox, = (x for x in topics if x["role"] == "inbox")
        self.assertEqual(inbox["topic"], "shop-inbox")
        self.assertLessEqual(inbox["records"], len(inbox["partitions"]) ** 2)
        sold = self.records("property-events")[1]
        self.assertEqual(sold["key"], "1")
        self.assertEqual(sold["headers"]["ce_type"], "PropertySold")
        self.assertEqual(sold["value"]["changes"]["price"], 100000.25)
        self.assertEqual(sold["timestamp"], 1398988800000)
        packs = self.records("shop-changelog")
        entries = [y for x in packs for y in x["value"]["entries"]]
        states = {(x["entity"], x["key"]): x["state"] for x in entries
                  if x["kind"] == "state"}
        self.assertEqual(states["neighborhood", "98103"]["overall"]["count"],
                         1)
        self.assertEqual(len(self.records("property-commands", "--limit",
                                          "1")), 1)
        partition = str(sold["partition"])
        self.assertEqual(
            [x["offset"] for x in self.records(
                "property-events", "--partition", partition, "--from", "1")],
            [1])

    def test_an_entity_is_shown_with_its_version_and_positions(self):
        self.freehold("run", "--import",
                      self.file(HEADER + "2014-05-02,1,98103,100000\n"
                                "2014-06-02,1,98103,150000\n"))
        shown = json.loads(self.freehold("entity", "show", "property", "1",
                                         "--json", configured=False).stdout)
        self.assertEqual(shown["version"], 4)
        self.assertEqual(shown["state"]["saleCount"], 2)
        self.assertEqual(shown["positions"]["property-commands"], 4)
        self.assertEqual((shown["held"], shown["timers"]), ([], []))
        text = self.freehold("entity", "show", "neighborhood", "98103",
                             configured=False).stdout
        self.assertIn("version    2", text)

    def test_history_shows_who_and_why_and_the_state_of_any_moment(self):
        self.freehold("run", "--import",
                      self.file(HEADER + "2014-05-02,1,98103,100000\n"
                                "2014-06-02,1,98103,150000\n"))
        lines = [json.loads(line) for line in self.freehold(
            "entity", "history", "property", "1", "--json",
            configured=False).stdout.splitlines()]
        self.assertEqual([x["type"] for x in lines[:-1]],
                         ["PropertyListed", "PropertySold"] * 2)
        self.assertEqual(lines[0]["who"], {"source": "import"})
        self.assertRegex(lines[0]["cause"],
                         r"^property-commands partition \d+ offset 0$")
        now = json.loads(self.freehold("entity", "show", "property", "1",
                                       "--json", configured=False).stdout)
        self.assertEqual(lines[-1]["state"], now["state"])
        for moment, sales in (("2014-05-01", 0), ("2014-05-02", 1),
                              ("2014-06-01T23:59:59.999Z", 1),
                              ("2014-06-02T00:00:00Z", 2)):
            with self.subTest(moment=moment):
                last = json.loads(self.freehold(
                    "entity", "history", "property", "1", "--at", moment,
                    "--json", configured=False).stdout.splitlines()[-1])
                self.assertEqual(last["state"]["saleCount"], sales)
        for words, expected in (
                (["property", "2"], "has nothing of property/2"),
                (["neighborhood", "98103"], "has no journal")):
            done = self.freehold("entity", "history", *words, status=1,
                                 configured=False)
            self.assertIn(expected, done.stderr)
        done = self.freehold("entity", "history", "property", "1", "--at",
                             "yesterday", status=2, configured=False)
        self.assertIn("yesterday", done.stderr)

    def test_verify_compares_states_and_windows_with_their_journals(self):
        sales = self.file("".join(
            DEMO_SALES.read_text().splitlines(keepends=True)[:2001]))
        node = self.start("--import", sales)
        self.wait_for_line(node, "imported")
        self.stop(node, signal.SIGKILL)
        self.freehold("run", "--import", sales)
        half = self.freehold("verify", configured=False).stdout
        self.assertIn("Compared 2,000 states", half)
        self.assertIn("All of it agrees", half)
        self.freehold("run", "--close-windows")
        self.assertIn(" 0 open windows",
                      self.freehold("verify", configured=False).stdout)

    def test_what_does_not_exist_is_named_with_what_does(self):
        self.freehold("run", "--import",
                      self.file(HEADER + "2014-05-02,17,98103,100000\n"))
        for words, expected in (
                (["topic", "cat", "nothing"], "property-events"),
                (["topic", "cat", "property-events", "--partition", "3"],
                 "0 to 2"),
                (["entity", "list", "house"],
                 "property, neighborhood, market, valuation"),
                (["entity", "show", "property", "18"], "18")):
            with self.subTest(words=words):
                done = self.freehold(*words, status=1, configured=False)
                self.assertIn(expected, done.stderr)
        self.data = self.folder / "elsewhere"
        done = self.freehold("topic", "list", status=2, configured=False)
        self.assertIn("elsewhere", done.stderr)

    # -- config ---------------------------------------------------------------

    def test_config_reports_all_faults_with_their_places(self):
        self.freehold("config", "check")
        self.config.write_text("engine:\n  workers: many\n  speed: high\n")
        done = self.freehold("config", "check", status=2)
        self.assertIn("shop.yaml:2", done.stderr)
        self.assertIn("engine.workers", done.stderr)
        self.assertIn("shop.yaml:3", done.stderr)
        self.assertIn("engine.speed", done.stderr)

    def test_a_configuration_that_was_dumped_loads_again(self):
        dumped = self.freehold("config", "dump", "--set", "engine.workers=3")
        self.config.write_text(dumped.stdout)
        done = self.freehold("config", "dump")
        self.assertIn("workers: 3", done.stdout)

    def test_every_command_has_help_with_an_example(self):
        for words in (["run"], ["node"], ["import"], ["topic", "list"],
                      ["topic", "cat"], ["topic", "produce"],
                      ["entity", "list"],
                      ["entity", "show"], ["entity", "history"], ["verify"],
                      ["lag"], ["stop"], ["leave"],
                      ["report"], ["config", "check"]):
            with self.subTest(words=words):
                done = self.finished([str(BINARY), *words, "--help"], 0)
                self.assertIn("Examples:", done.stdout)
                self.assertIn("Exit status:", done.stdout)
        self.finished([str(BINARY), "no-such-command"], 2)

    # -- node -----------------------------------------------------------------

    def test_a_node_stops_in_order_on_sigterm_and_on_ctrl_c(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=how):
                self.assertEqual(self.stop(self.start(), how), 0)

    def test_a_node_is_stopped_by_a_command_that_waits_for_its_end(self):
        done = self.freehold("stop", status=3)
        self.assertIn("no node runs in", done.stderr)
        node = self.start()
        done = self.freehold("leave", status=2)
        self.assertIn("use `freehold stop`", done.stderr)
        done = self.freehold("stop")
        self.assertIn(f"process {node.pid}, has stopped", done.stdout)
        self.assertEqual(node.wait(timeout=TIME_LIMIT_S), 0)

    def test_lag_is_told_of_every_input_of_every_shard(self):
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n")
        self.freehold("import", path)
        lag = json.loads(self.freehold("lag", "--json").stdout)
        commands = [x for x in lag["partitions"]
                    if x["topic"] == "property-commands"]
        self.assertEqual(sum(x["records"] for x in commands), 2)
        self.assertGreater(lag["behindMs"], 0)
        self.freehold("run")
        lag = json.loads(self.freehold("lag", "--json").stdout)
        self.assertEqual((lag["records"], lag["behindMs"]), (0, 0))
        self.assertEqual(sum(x["position"] for x in lag["partitions"]
                             if x["topic"] == "property-commands"), 2)
        shown = self.freehold("lag").stdout
        self.assertIn("property-commands", shown)
        self.assertIn("0 s", shown)

    def test_a_second_writer_is_refused_with_the_first_ones_process(self):
        node = self.start()
        path = self.file(HEADER + "2014-05-02,1,98103,100000\n")
        for words in (["run"], ["node"], ["import", path]):
            with self.subTest(words=words):
                done = self.freehold(*words, status=2)
                self.assertIn(f"process {node.pid}", done.stderr)
        self.freehold("topic", "list", configured=False)
        self.assertEqual(self.stop(node), 0)

    def test_a_killed_node_goes_on_with_its_import_where_it_was(self):
        sales = self.file("".join(
            DEMO_SALES.read_text().splitlines(keepends=True)[:3001]))
        node = self.start("--import", sales, "--rate", "1000")
        limit = time.monotonic() + TIME_LIMIT_S
        while len(self.records("property-events", "--limit", "400")) < 400:
            self.assertLess(time.monotonic(), limit)
            self.assertIsNone(node.poll(), "the node ended by itself")
        self.stop(node, signal.SIGKILL)
        there = len(self.records("property-commands"))
        self.assertLess(there, 6000)
        node = self.start("--import", sales)
        self.assertIn(f"{there // 2} of them already there",
                      self.wait_for_line(node, "imported"))
        self.assertEqual(self.stop(node), 0)
        self.freehold("run", "--import", sales, "--close-windows")
        self.assertGreater(self.check_against_reference(sales), 1000)
        self.assertEqual(len(self.records("property-commands")), 6000)
        self.assertEqual(len(self.records("property-events")), 6000)

    def test_a_damaged_crash_ledger_is_a_warning_and_nothing_more(self):
        self.freehold("run")
        (self.data / "crash-ledger").write_bytes(b"damage")
        done = self.freehold("run")
        self.assertIn("begins afresh", done.stderr)

    def test_a_node_without_fsync_warns_at_its_start(self):
        done = self.freehold("run", "--set", "log.fsync=false")
        self.assertIn("log.fsync is false", done.stderr)


if __name__ == "__main__":
    unittest.main()
