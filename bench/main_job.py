#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wall time and peak memory of the main job against the size of the machine: both must be flat in chips.

  bench/main_job.py [--program build/release/bin/zettatwin] [--machine M] [--model M] [--runs 10] [--json FILE] [--check]

Each size runs as a whole process, as users start it: with a given plan, with one that the program looks for, with three faults, and an
all-to-all of all ranks with and without faults. The answers are checked: right number of chips, a positive time, equal in every run. With
--check the status is 1 if the largest size takes more than 0.5 s or 150 MiB (with faults 5 s or 500 MiB), or more than twice the smallest
size's time (with faults four times).
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
PLAN = ["--plan", "tp=8,ep=64,pp=8"]
FAULTS = ["--fault", "slow-chip@cabinet=17/board=2/npu=5:0.8", "--fault", "slow-link@cabinet=99/npu=1/port=up:0.5", "--fault", "dead-link@board=7/npu=0/port=board/peer=3"]
KINDS = {"given": PLAN, "auto": ["--plan", "auto"], "faults": PLAN + FAULTS, "all-to-all": [], "a2a faults": FAULTS[2:]}
GROWTH_MAX = {"faults": 4.0}  # a fault is seen on every level that a larger machine adds; others twice


def targets(kind):
    """(seconds, bytes) at the largest size."""
    return (5.0, 500 * 2**20) if "faults" in kind else (0.5, 150 * 2**20)


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
    if kind in ("all-to-all", "a2a faults"):
        command = [arguments.program, "collective", "--machine", f"{arguments.machine}", "--op", "all-to-all", "--bytes", "1GiB", "--ranks", str(chips), *KINDS[kind], "--json"]
    else:
        command = [arguments.program, "train", "--machine", arguments.machine, "--model", arguments.model, "--chips", str(chips),
                   "--global-batch", str(arguments.global_batch), *KINDS[kind], "--json"]
    runs = [measure(command) for _ in range(arguments.runs)]
    results = json.loads(runs[0][2])["results"]
    used, answer = results.get("chips", results.get("members", {}).get("ranks")), results.get("step_time_s", results.get("time_s", 0))
    if used != chips or not answer > 0:
        sys.exit(f"{chips} chips: wrong answer: {used} chips, {answer} s")
    if any(output != runs[0][2] for _, _, output in runs):
        sys.exit(f"{chips} chips: two runs give different answers")
    seconds = [s for s, _, _ in runs]
    return {"plan": kind, "chips": chips, "wall_median_s": statistics.median(seconds), "wall_min_s": min(seconds), "wall_max_s": max(seconds),
            "peak_memory_bytes": max(b for _, b, _ in runs), "answer_s": answer}


def verdict(rows):
    """What of the targets does not hold for the rows of one kind of plan."""
    first, last = rows[0], rows[-1]
    what = f"{last['chips']:,} chips, {last['plan']}"
    seconds_max, bytes_max = targets(last["plan"])
    if last["wall_median_s"] > seconds_max:
        yield f"{what}: {last['wall_median_s']:.3f} s, more than {seconds_max} s"
    if last["peak_memory_bytes"] > bytes_max:
        yield f"{what}: {last['peak_memory_bytes'] / 2**20:.0f} MiB, more than {bytes_max / 2**20:.0f} MiB"
    growth = GROWTH_MAX.get(last["plan"], 2.0)
    if last["wall_median_s"] > growth * first["wall_median_s"]:
        yield f"{what}: more than {growth} times as long as {first['chips']:,} chips"


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
    print(f"{'kind':<11}{'chips':>10} {'wall median':>12} {'min':>9} {'max':>9} {'peak memory':>12} {'answer':>14}")
    rows, problems = [], []
    for kind in KINDS:
        of_kind = []
        for chips in arguments.sizes:
            r = row(arguments, kind, chips)
            of_kind.append(r)
            print(f"{kind:<11}{chips:>10,} {r['wall_median_s']:>10.4f} s {r['wall_min_s']:>7.4f} s {r['wall_max_s']:>7.4f} s "
                  f"{r['peak_memory_bytes'] / 2**20:>8.1f} MiB {r['answer_s']:>12.4f} s", flush=True)
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
