"""What the program has published about the market, read from its topics.

Amounts and ratios come out as whole numbers: cents, ten-thousandths. What
cannot be one is an error, and so is an id that comes twice in a topic.
"""

import collections
import datetime
import decimal
import functools
import json
import subprocess

import market_formulas as formulas

MEAN, ROBUST = "mean", "robust"
RULES = {
    "PriceAnomalyDetected": (MEAN, False),
    "PriceAnomalyRevised": (MEAN, True),
    "UnitPriceAnomalyDetected": (ROBUST, False),
    "UnitPriceAnomalyRevised": (ROBUST, True),
}

Window = collections.namedtuple(
    "Window", "end count total average minimum maximum")
Trend = collections.namedtuple(
    "Trend", "end count count_before average average_before change")
Valued = collections.namedtuple(
    "Valued", "zipcode cents estimate low high basis error")
# `score` is None by the rule "mean"; `start` and `end` are the baseline's.
Alert = collections.namedtuple(
    "Alert", "zipcode cents expected deviation count score start end")


def whole(number, decimals):
    """What the JSON said, an integer or a text, in units of its last digit."""
    scaled = decimal.Decimal(number).scaleb(decimals)
    if scaled != int(scaled):
        raise AssertionError(f"{number} has more than {decimals} decimals")
    return int(scaled)


@functools.cache
def milliseconds(text):
    """Of `2014-05-02T00:00:00.000Z`, since 1970."""
    moment = (datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
              - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc))
    return moment // datetime.timedelta(milliseconds=1)


def records(freehold, data, topic):
    """The committed records of a topic, each partition's in their order."""
    ids, offsets = set(), {}
    with subprocess.Popen(
            [freehold, "topic", "cat", topic, "--json", "--data", data],
            stdout=subprocess.PIPE, text=True) as printing:
        for line in printing.stdout:
            record = json.loads(line, parse_float=str)
            identity = record["headers"]["ce_id"]
            if identity in ids:
                raise AssertionError(f"{topic}: {identity} comes twice")
            ids.add(identity)
            partition, offset = record["partition"], record["offset"]
            if offset <= offsets.get(partition, -1):
                raise AssertionError(f"{topic}: {partition}/{offset}: order")
            offsets[partition] = offset
            yield record
    if printing.returncode != 0:
        raise AssertionError(f"topic cat {topic}: {printing.returncode}")


def where(record):
    """The key and the start of the window a record speaks of."""
    value = record["value"]
    if record["key"] != value["zipcode"]:
        raise AssertionError(f"the key is not the ZIP code: {record}")
    return value["zipcode"], milliseconds(value["windowStart"])


def windows(freehold, data):
    """By (ZIP, start): all that was said, as pairs (window, correction)."""
    said = collections.defaultdict(list)
    for record in records(freehold, data, "neighborhood-prices"):
        value = record["value"]
        said[where(record)].append((
            Window(milliseconds(value["windowEnd"]), value["count"],
                   *(whole(value[x], 2)
                     for x in ("total", "average", "minimum", "maximum"))),
            value["correction"]))
    return said


def trends(freehold, data):
    """By (ZIP or `all`, start): all pairs (trend, correction)."""
    said = collections.defaultdict(list)
    for record in records(freehold, data, "market-trends"):
        value = record["value"]
        said[where(record)].append((
            Trend(milliseconds(value["windowEnd"]), value["count"],
                  value["previousCount"], whole(value["average"], 2),
                  whole(value["previousAverage"], 2),
                  whole(value["change"], 4)), value["correction"]))
    return said


def alerts(freehold, data):
    """The last words: by (rule, property, time) the alert or None.

    None if the sale is no anomaly any more. Also gives how many were revised.
    """
    last, sale_ids, revised_count = {}, {}, 0
    for record in records(freehold, data, "price-anomaly-alerts"):
        value = record["value"]
        rule, revised = RULES[record["headers"]["ce_type"]]
        sale = value["propertyId"], value["soldAt"]
        # One event is one sale, whoever speaks of it.
        if sale_ids.setdefault(sale, value["saleId"]) != value["saleId"]:
            raise AssertionError(f"{sale} has two ids")
        if record["key"] != value["zipcode"]:
            raise AssertionError(f"the key is not the ZIP code: {record}")
        if not revised and (rule, *sale) in last:
            raise AssertionError(f"{rule}, {sale}: detected a second time")
        revised_count += revised
        last[rule, *sale] = value
    return {(rule, name, milliseconds(sold_at)):
            alert_of(rule, value) if value.get("anomalous", True) else None
            for (rule, name, sold_at), value in last.items()}, revised_count


def valuations(freehold, data):
    """By (property, time of the sale): what it was worth before, said once."""
    said = {}
    for record in records(freehold, data, "property-valuations"):
        value = record["value"]
        sale = value["propertyId"], milliseconds(value["soldAt"])
        if record["key"] != value["propertyId"] or sale in said:
            raise AssertionError(f"not the home's key, or said twice: {record}")
        said[sale] = Valued(value["zipcode"], whole(value["actualPrice"], 2),
                            *(whole(value[x], 2)
                              for x in ("estimate", "low", "high")),
                            value["basis"].replace("_", "-"),
                            whole(value["error"], 4))
    return said


def analyses(freehold, data):
    """By (property, time): ZIP, both prices and what is said, once each."""
    said = {}
    for record in records(freehold, data, "price-analyses"):
        value = record["value"]
        change = value["propertyId"], milliseconds(value["changedAt"])
        if record["key"] != value["zipcode"] or change in said:
            raise AssertionError(f"not the ZIP's key, or said twice: {record}")
        said[change] = (
            value["zipcode"], whole(value["price"], 2),
            whole(value["previousPrice"], 2),
            formulas.PriceAnalysis(
                value["salesCounted"],
                *(whole(value[x], 4) if x in value else None for x in
                  ("change", "toAverage", "rank", "toLevel", "unitRank")),
                value.get("position")))
    return said


def alert_of(rule, value):
    return Alert(value["zipcode"], whole(value["actualPrice"], 2),
                 whole(value["expectedPrice"], 2), whole(value["deviation"], 4),
                 value["salesCounted"],
                 whole(value["score"], 2) if rule == ROBUST else None,
                 milliseconds(value["windowStart"]),
                 milliseconds(value["windowEnd"]))
