#!/usr/bin/env python3
"""What the market's analytics must come to, computed the plain way.

    sales_reference.py FILE.csv [--map time=sale_date,...] [--window-days 30]

Reads the sales of a CSV file at once and prints JSON: per neighborhood and
window the count, total, lowest and highest price; the same per neighborhood
over all time; per property the last price and the number of sales. A test
compares the program's output with it, whatever order and partitions the
program read in.

Shares no code with the program, and no habit either: it keeps everything in
memory and sorts. Only the rules are the same:

- Money is whole cents.
- A window is [start, start + length), start = floor(time / length) * length,
  counted from 1970-01-01T00:00:00Z.
- The last sale of a property is the one with the latest time; of several at
  that time, the one that comes last in the file.
- Blanks around a value do not belong to it. A line that is no sale is not
  counted; its number and reason are under "bad_lines". Not for files whose
  quotes are broken or whose optional columns (area, year) are mapped.
"""

import argparse
import collections
import csv
import datetime
import decimal
import json
import re
import sys

DAY_MS = 24 * 60 * 60 * 1000
REQUIRED = ("time", "property", "neighborhood", "price")
DEFAULT_MAP = ("time=sale_date,property=property_id,neighborhood=zipcode,"
               "price=price_usd")

Sale = collections.namedtuple("Sale", "time property neighborhood cents")


def cents_of(text):
    if not re.fullmatch(r"[0-9]+(\.[0-9]{1,2})?", text):
        raise ValueError(f"price: {text!r}")
    return int(decimal.Decimal(text).scaleb(2))


def milliseconds_of(text):
    """A date or a UTC time, in milliseconds since 1970."""
    if not re.fullmatch(
            r"\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|\+00:00)?)?",
            text, re.ASCII):
        raise ValueError(f"time: {text!r}")
    seconds, _, fraction = re.sub(r"(Z|\+00:00)$", "", text).partition(".")
    moment = datetime.datetime.fromisoformat(seconds)
    whole = moment - datetime.datetime(1970, 1, 1)
    return (whole.days * DAY_MS + whole.seconds * 1000
            + int((fraction + "000")[:3]))


def key_of(name, text):
    if not text or len(text.encode("utf-8")) > 1024 or any(
            ord(x) < 0x20 or ord(x) == 0x7F for x in text):
        raise ValueError(f"{name}: {text[:50]!r}")
    return text


def read_mapping(text):
    mapping = dict(pair.strip().split("=", 1) for pair in text.split(","))
    if sorted(mapping) != sorted(REQUIRED):
        raise SystemExit(f"--map has to map exactly {', '.join(REQUIRED)}")
    return {field: column.strip() for field, column in mapping.items()}


def read_sales(path, mapping):
    """The sales and the bad lines of a file."""
    sales, bad = [], []
    # A byte that is no UTF-8 becomes a lone surrogate, which key_of refuses.
    with open(path, encoding="utf-8-sig", errors="surrogateescape",
              newline="") as file:
        lines = csv.reader(file)
        header = [name.strip(" \t") for name in next(lines)]
        places = {}
        for field, column in mapping.items():
            if header.count(column) != 1:
                raise SystemExit(f"{column!r} is not one of: {header}")
            places[field] = header.index(column)
        start = lines.line_num + 1
        for values in lines:
            line, start = start, lines.line_num + 1
            if not values:
                continue
            try:
                if len(values) != len(header):
                    raise ValueError(f"{len(values)} fields")
                value = {field: values[place].strip(" \t")
                         for field, place in places.items()}
                sales.append(Sale(milliseconds_of(value["time"]),
                                  key_of("property", value["property"]),
                                  key_of("neighborhood",
                                         value["neighborhood"]),
                                  cents_of(value["price"])))
            except ValueError as why:
                bad.append({"line": line, "reason": str(why)})
    return sales, bad


def totals_of(cents):
    return {"count": len(cents), "total_cents": sum(cents),
            "min_cents": min(cents), "max_cents": max(cents)}


def compute(sales, window_days):
    length = window_days * DAY_MS
    in_window = collections.defaultdict(list)
    in_neighborhood = collections.defaultdict(list)
    of_property = collections.defaultdict(list)
    for sale in sales:
        start = sale.time // length * length
        in_window[sale.neighborhood, start].append(sale.cents)
        in_neighborhood[sale.neighborhood].append(sale.cents)
        of_property[sale.property].append(sale)
    return {
        "window_ms": length,
        "sales": len(sales),
        "windows": [
            {"neighborhood": name, "start_ms": start, "end_ms": start + length,
             **totals_of(cents)}
            for (name, start), cents in sorted(in_window.items())],
        "neighborhoods": [
            {"neighborhood": name, **totals_of(cents)}
            for name, cents in sorted(in_neighborhood.items())],
        # Sorting keeps the file's order where times are equal.
        "properties": [
            {"property": name, "sales": len(all_of_it),
             "last_price_cents": sorted(all_of_it,
                                        key=lambda x: x.time)[-1].cents}
            for name, all_of_it in sorted(of_property.items())],
    }


def main():
    parser = argparse.ArgumentParser(description="the reference result")
    parser.add_argument("file")
    parser.add_argument("--map", default=DEFAULT_MAP)
    parser.add_argument("--window-days", type=int, default=30)
    given = parser.parse_args()
    if given.window_days < 1:
        parser.error("--window-days is at least 1")
    sales, bad = read_sales(given.file, read_mapping(given.map))
    result = compute(sales, given.window_days)
    result["bad_lines"] = bad
    json.dump(result, sys.stdout, indent=1, sort_keys=True)
    print()


if __name__ == "__main__":
    main()
