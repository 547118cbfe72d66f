#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Public rows predicted, group by group: run.py [--update] PROGRAM [SAMPLE BOUNDS]

Fails if the mean |error| of a group exceeds its pinned bound, or if fewer rows are predicted than were. --update pins what is there now, with a tenth and half
a point to spare; after a change that is meant.
"""
import csv
import json
import math
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def groups_of(program, sample):
    answer = subprocess.run([program, "validate", "--rows", str(sample), "--json"], stdout=subprocess.PIPE, text=True, check=True)
    return {g["group"]: g for g in json.loads(answer.stdout)["groups"]}


def problems(groups, bounds):
    found = []
    for bound in bounds:
        group = groups.get(bound["group"])
        if group is None:
            found.append(f"{bound['group']}: no rows")
        elif group["predicted"] < int(bound["predicted"]):
            found.append(f"{bound['group']}: {group['predicted']} rows predicted, {bound['predicted']} were")
        elif group["mean"] is not None and not group["mean"] <= float(bound["mean"]):
            found.append(f"{bound['group']}: mean |error| {group['mean']:.1f} %, at most {bound['mean']} % is pinned")
    return found


def update(groups, path):
    with open(path, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["group", "predicted", "mean"])
        for name, group in groups.items():
            if group["predicted"] > 0 and name not in ("all", "excluded"):
                out.writerow([name, group["predicted"], f"{math.ceil(10 * (1.1 * group['mean'] + 0.5)) / 10:.1f}"])


def main(arguments):
    pin = "--update" in arguments
    arguments = [a for a in arguments if a != "--update"]
    sample, path = (Path(a) for a in arguments[1:3]) if len(arguments) > 2 else (HERE / "sample.csv", HERE / "bounds.csv")
    groups = groups_of(arguments[0], sample)
    if pin:
        update(groups, path)
        return 0
    with open(path, newline="") as file:
        found = problems(groups, list(csv.DictReader(file)))
    for problem in found:
        print(problem)
    print(f"{sum(g['count'] for n, g in groups.items() if n != 'all')} rows, {len(found)} problems")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
