#!/usr/bin/env python3
"""Kafka's own client, librdkafka's (kcat) and freehold agree on where a record
lies and on each byte of it, whichever of them wrote it.

    clients_test.py FREEHOLD SALES_CSV CONFIG BROKER_SCRIPT PORT

One half of the keys is written by Kafka's ConsoleProducer, the other by kcat;
the node reads them all, and what it publishes is read by both. Where a key
belongs is said by freehold alone, on a log of its own.
"""

import base64
import csv
import json
import pathlib
import shutil
import subprocess
import sys

from kafka_kit import own_broker, results_of, run

SALES = 1500
PARTITIONS = 8
TOPIC, JOURNAL = "property-events", "property-journal"
# In no key, header or value of this test.
BETWEEN, WITHIN, ASIDE = "\x01", "\x02", "\x03"
ODD_KEYS = ("a", "ab", "abc", "abcd", "grüner weg 1", "東京-1", "x" * 300)


def events(sales):
    """(key, headers, value) of each sale, as another service writes it."""
    with open(sales, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:SALES]
    made = []
    for number, row in enumerate(rows):
        key = row["property_id"]
        if number % 20 == 0:
            key = ODD_KEYS[number // 20 % len(ODD_KEYS)] + f" {number}"
        value = json.dumps({
            "eventId": f"sale-{number}",
            "timestamp": row["sale_date"][:10] + "T00:00:00Z",
            "propertyId": key,
            "changes": {"status": "Sold", "price": int(row["price_usd"])},
            "metadata": {"userId": "ümlaut", "source": "mls",
                         "zipcode": row["zipcode"]},
        }, ensure_ascii=False)
        headers = {"trace": f"a:b,{number}", "source": "mls ✓"}
        made.append((key, headers, value))
    return made


class Freehold:
    def __init__(self, binary, config, home, settings):
        self.binary = binary
        self.options = ["--config", config, "--set", f"log.directory={home}",
                        "--set", f"application.shards={PARTITIONS}",
                        # The one half comes after the other.
                        "--set", "analytics.grace-hours=8760"]
        for each in settings:
            self.options += ["--set", each]

    def __call__(self, command, *more, text=None):
        return run([self.binary, *command.split(), *more, *self.options], text)

    def records(self, topic):
        """Every record: where, key, headers and value as bytes."""
        found = {}
        for line in self("topic cat", topic, "--json").splitlines():
            one = json.loads(line)
            if "valueBase64" in one:
                value = base64.b64decode(one["valueBase64"]).decode()
            else:
                value = one.get("valueText", one.get("value"))
            found[one["partition"], one["offset"]] = (
                one["key"], one["headers"], value)
        return found


class Java:
    """The tools that Kafka comes with."""

    def __init__(self, lib, servers):
        self.java = ["java", "-cp", f"{lib}/*"]
        self.servers = ["--bootstrap-server", servers]

    def produce(self, topic, records):
        properties = {"parse.key": "true", "parse.headers": "true",
                      "key.separator": BETWEEN, "headers.delimiter": BETWEEN,
                      "headers.separator": WITHIN,
                      "headers.key.separator": ASIDE}
        line = [*self.java, "org.apache.kafka.tools.ConsoleProducer",
                *self.servers, "--topic", topic]
        for name, value in properties.items():
            line += ["--reader-property", f"{name}={value}"]
        run(line, "".join(
            WITHIN.join(f"{name}{ASIDE}{text}" for name, text in headers.items())
            + BETWEEN + key + BETWEEN + value + "\n"
            for key, headers, value in records))

    def consume(self, topic, count):
        properties = {"print.partition": "true", "print.offset": "true",
                      "print.headers": "true", "print.key": "true",
                      "key.separator": BETWEEN, "headers.separator": WITHIN}
        line = [*self.java, "org.apache.kafka.tools.consumer.ConsoleConsumer",
                *self.servers, "--topic", topic, "--from-beginning",
                "--isolation-level", "read_committed",
                "--max-messages", str(count), "--timeout-ms", "60000"]
        for name, value in properties.items():
            line += ["--formatter-property", f"{name}={value}"]
        found = {}
        for each in run(line).splitlines():
            partition, offset, headers, key, value = each.split(BETWEEN)
            found[int(partition.split(":")[1]), int(offset.split(":")[1])] = (
                key, dict(x.split(":", 1) for x in headers.split(WITHIN)),
                value)
        return found


class Kcat:
    def __init__(self, servers):
        self.line = ["kcat", "-b", servers]

    def produce(self, topic, records):
        # Headers are given by call: those of one kind go together.
        for key, headers, value in records:
            line = [*self.line, "-P", "-t", topic, "-K", BETWEEN,
                    "-X", "topic.partitioner=murmur2_random"]
            for name, text in headers.items():
                line += ["-H", f"{name}={text}"]
            run(line, key + BETWEEN + value)

    def consume(self, topic, count):
        out = run([*self.line, "-C", "-t", topic, "-o", "beginning", "-e", "-q",
                   "-J", "-X", "isolation.level=read_committed"])
        found = {}
        for each in out.splitlines():
            one = json.loads(each)
            names = one.get("headers", [])
            found[one["partition"], one["offset"]] = (
                one["key"], dict(zip(names[::2], names[1::2])), one["payload"])
        if len(found) != count:
            raise AssertionError(f"kcat read {len(found)} of {count} records")
        return found


def same(left, right, what):
    if left == right:
        return
    for place in sorted(set(left) | set(right)):
        if left.get(place) != right.get(place):
            raise AssertionError(f"{what}: {place}:\n{left.get(place)}\n"
                                 f"{right.get(place)}")


def as_json(records):
    """Values that may be JSON as what they say."""
    def value(text):
        return json.loads(text) if isinstance(text, str) else text
    return {place: (key, headers, value(text))
            for place, (key, headers, text) in records.items()}


def main():
    binary, sales, config, broker, port = sys.argv[1:6]
    if shutil.which("kcat") is None:
        raise SystemExit("kcat is missing: scripts/setup test installs it")
    lib = pathlib.Path(broker).resolve().parent.parent / "build/broker/lib"
    with own_broker(broker, int(port)) as (servers, home):
        sent = events(sales)
        alone = Freehold(binary, config, f"{home}/alone", ["log.kind=embedded"])
        alone("topic produce", TOPIC, text="".join(
            f"{key}\t{value}\n" for key, _, value in sent))
        expected = results_of(alone("run", "--close-windows"))
        place_of = {key: place[0] for place, (key, _, _)
                    in alone.records(TOPIC).items()}

        # One that refuses is no reason to say so among what is printed.
        cluster = Freehold(binary, config, f"{home}/node", [
            "log.kind=kafka", "node.id=clients",
            f"kafka.bootstrap-servers=127.0.0.1:1,{servers}"])
        cluster("run")  # makes the topics
        java, kcat = Java(lib, servers), Kcat(servers)
        by_kcat = {key for number, key in enumerate(sorted(place_of))
                   if number % 20 == 0}
        java.produce(TOPIC, [x for x in sent if x[0] not in by_kcat])
        kcat.produce(TOPIC, [x for x in sent if x[0] in by_kcat])
        results = results_of(cluster("run", "--close-windows"))
        if results != expected:
            raise AssertionError(f"results differ:\n{results}\n{expected}")

        # What they wrote lies where freehold would have put it, as it was.
        written = cluster.records(TOPIC)
        if len(written) != len(sent):
            raise AssertionError(f"{len(written)} records of {len(sent)}")
        texts = {(key, json.dumps(json.loads(value))): headers
                 for key, headers, value in sent}
        for (partition, offset), (key, headers, value) in written.items():
            if partition != place_of[key]:
                raise AssertionError(f"{key!r} lies in {partition}, and "
                                     f"freehold takes {place_of[key]}")
            if texts[key, json.dumps(value)] != headers:
                raise AssertionError(f"{key!r} at {offset}: {headers}")

        # What freehold wrote both of them read alike, bytes and all.
        journal = cluster.records(JOURNAL)
        if not journal:
            raise AssertionError("nothing was published")
        by_java = java.consume(JOURNAL, len(journal))
        same(by_java, kcat.consume(JOURNAL, len(journal)), "java and kcat")
        same(as_json(by_java), as_json(journal), "java and freehold")
        keys = {key: place[0] for place, (key, _, _) in by_java.items()}
        for key, partition in keys.items():
            if place_of[key] != partition:
                raise AssertionError(f"{key!r} was published to {partition}")
        print(f"{len(sent)} records of {len(place_of)} keys in, {len(by_kcat)} "
              f"keys of them by kcat; {len(journal)} records out; partitions, "
              "headers and values agree")


if __name__ == "__main__":
    main()
