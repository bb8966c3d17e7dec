#!/usr/bin/env python3
"""Runs commands in turn, again and again, and prints what a record costs each of
them: medians, ranges, and ratios to the first.

    kafka_ratios.py ROUNDS NAME=COMMAND [NAME=COMMAND ...]

Each command prints `cpu_us_per_record=X`, as kafka_bench and its peers do. In a
command `{n}` is the number of the round, for names that must be new.
"""

import re
import shlex
import statistics
import subprocess
import sys


def cost(command, number):
    out = subprocess.run(shlex.split(command.replace("{n}", str(number))),
                         check=True, capture_output=True, text=True).stdout
    found = re.search(r"cpu_us_per_record=([0-9.]+)", out)
    if found is None:
        raise SystemExit(f"no cpu_us_per_record from: {command}\n{out}")
    return float(found[1])


def main():
    rounds = int(sys.argv[1])
    commands = [each.split("=", 1) for each in sys.argv[2:]]
    costs = {name: [] for name, _ in commands}
    for number in range(rounds):
        for name, command in commands:
            costs[name].append(cost(command, number))
            print(f"round {number + 1} {name} {costs[name][-1]:.3f}",
                  file=sys.stderr, flush=True)
    first = statistics.median(costs[commands[0][0]])
    for name, all_of_it in costs.items():
        median = statistics.median(all_of_it)
        print(f"{name:24} {median:7.3f} us per record ({min(all_of_it):.3f} to "
              f"{max(all_of_it):.3f}), {median / first:6.2f} x "
              f"{commands[0][0]}")


if __name__ == "__main__":
    main()
