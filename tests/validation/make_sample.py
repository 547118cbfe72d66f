#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a sample of public rows for the tests beside this file: make_sample.py ROWS.csv > sample.csv (serving_sample.csv)

Of each group up to twelve rows, evenly spread over those that are fully specified (over all where none is). Of notes only the parts that the vocabulary of the
catalog reads are kept. Serving results have no sets: a group is a source and a metric, and notes stay as they are.
"""
import csv
import re
import sys
from pathlib import Path

CATALOG = Path(__file__).resolve().parents[2] / "catalog" / "validation"
PER_GROUP = 12


def words():
    text = (CATALOG / "vocabulary.yaml").read_text() + (CATALOG / "memory.yaml").read_text()
    found = set()
    for listed in re.findall(r"words: \[([^\]]*)\]|word: ([^,}]*)", text):
        for word in (listed[0].split(",") if listed[0] else [listed[1]]):
            found.add(word.strip().strip("'\"").lower())
    return {w for w in found if len(w) > 2}


def shortened(notes, known):
    parts = [p.strip() for p in re.split(r"[;,]", notes)]
    return "; ".join(p for p in parts if any(w in p.lower() for w in known) and len(p) < 80)


def main():
    with open(sys.argv[1], newline="") as file:
        rows = list(csv.DictReader(file))
    serving = "set" not in rows[0]
    rows = [r for r in rows if serving or r["set"] == "public"]
    known = words()
    groups = {}
    for row in rows:
        groups.setdefault((row["source"].split(":")[0], row["metric"]) if serving else row["id"].split("-")[0], []).append(row)
    out = csv.DictWriter(sys.stdout, fieldnames=list(rows[0]), lineterminator="\n")
    out.writeheader()
    for members in groups.values():
        chosen = [r for r in members if r.get("fully_specified") == "1"] or members
        count = min(PER_GROUP, len(chosen))
        for i in range(count):
            row = chosen[i * len(chosen) // count]
            out.writerow({**row, "notes": row["notes"] if serving else shortened(row["notes"], known)})


if __name__ == "__main__":
    main()
