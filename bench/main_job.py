#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wall time and peak memory of the main job against the size of the machine: both must be flat in chips.

  bench/main_job.py [--program build/release/bin/zettatwin] [--machine M] [--model M] [--runs 10] [--json FILE] [--check]

Each size runs as a whole process, as users start it, with a given plan and with one that the program looks for. The answers are
checked: right number of chips, a positive step time, equal in every run. With --check the status is 1 if the largest size takes more than
0.5 s or 150 MiB, or more than twice the smallest size's time.
"""
import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SIZES = [8_192, 65_536, 524_288, 1_048_576]
PLANS = {"given": "tp=8,ep=64,pp=8", "auto": "auto"}
SECONDS_MAX, BYTES_MAX, GROWTH_MAX = 0.5, 150 * 2**20, 2.0


def measure(command):
    """(seconds, peak resident bytes, standard output) of one process.

    GNU time is the parent, because a process inherits the peak of the process that it was forked from, and Python is large."""
    with tempfile.NamedTemporaryFile() as peak:
        start = time.perf_counter()
        done = subprocess.run(["/usr/bin/time", "-o", peak.name, "-f", "%M", *command], stdin=subprocess.DEVNULL,
                              capture_output=True, check=False)
        seconds = time.perf_counter() - start
        if done.returncode:
            sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.decode()}")
        return seconds, int(peak.read()) * 1024, done.stdout


def row(arguments, kind, chips):
    """Figures of one kind of plan on one machine size, over several runs."""
    command = [arguments.program, "train", "--machine", arguments.machine, "--model", arguments.model, "--chips", str(chips),
               "--global-batch", str(arguments.global_batch), "--plan", PLANS[kind], "--json"]
    runs = [measure(command) for _ in range(arguments.runs)]
    results = json.loads(runs[0][2])["results"]
    if results["chips"] != chips or not results["step_time_s"] > 0:
        sys.exit(f"{chips} chips: wrong answer: {results['chips']} chips, step time {results['step_time_s']} s")
    if any(output != runs[0][2] for _, _, output in runs):
        sys.exit(f"{chips} chips: two runs give different answers")
    seconds = [s for s, _, _ in runs]
    return {"plan": kind, "chips": chips, "wall_median_s": statistics.median(seconds), "wall_min_s": min(seconds), "wall_max_s": max(seconds),
            "peak_memory_bytes": max(b for _, b, _ in runs), "step_time_s": results["step_time_s"]}


def verdict(rows):
    """What of the targets does not hold for the rows of one kind of plan."""
    first, last = rows[0], rows[-1]
    what = f"{last['chips']:,} chips, {last['plan']} plan"
    if last["wall_median_s"] > SECONDS_MAX:
        yield f"{what}: {last['wall_median_s']:.3f} s, more than {SECONDS_MAX} s"
    if last["peak_memory_bytes"] > BYTES_MAX:
        yield f"{what}: {last['peak_memory_bytes'] / 2**20:.0f} MiB, more than {BYTES_MAX / 2**20:.0f} MiB"
    if last["wall_median_s"] > GROWTH_MAX * first["wall_median_s"]:
        yield f"{what}: more than {GROWTH_MAX} times as long as {first['chips']:,} chips"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/zettatwin"))
    parser.add_argument("--machine", default="atlas-950-supercluster")
    parser.add_argument("--model", default="deepseek-v3")
    parser.add_argument("--global-batch", type=int, default=262_144, help="sequences")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", type=Path, help="also write the figures here")
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    if not Path("/usr/bin/time").exists():
        sys.exit("GNU time is missing: tools/setup --with bench")

    print(f"{arguments.model} on {arguments.machine}; {platform.machine()}, {os.cpu_count()} cores, {arguments.runs} runs each")
    print(f"{'plan':<6}{'chips':>10} {'wall median':>12} {'min':>9} {'max':>9} {'peak memory':>12} {'answer: step':>14}")
    rows, problems = [], []
    for kind in PLANS:
        of_kind = []
        for chips in arguments.sizes:
            r = row(arguments, kind, chips)
            of_kind.append(r)
            print(f"{kind:<6}{chips:>10,} {r['wall_median_s']:>10.4f} s {r['wall_min_s']:>7.4f} s {r['wall_max_s']:>7.4f} s "
                  f"{r['peak_memory_bytes'] / 2**20:>8.1f} MiB {r['step_time_s']:>12.4f} s", flush=True)
        rows += of_kind
        problems += verdict(of_kind)
    if arguments.json:
        figures = {"machine": arguments.machine, "model": arguments.model, "rows": rows}
        arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    for problem in problems:
        print(f"over target: {problem}")
    return 1 if arguments.check and problems else 0


if __name__ == "__main__":
    sys.exit(main())
