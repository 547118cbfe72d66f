#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Wall time, processor time and peak memory of serving, as whole processes, as users start them.

  bench/serve.py [--program build/release/bin/zettatwin] [--trace conversation.jsonl.gz] [--runs 3] [--requests 10000000] [--check]

`trace`: an hour of recorded conversations with shared prefixes (Mooncake's format; left out without --trace) on 16 instances of 16 chips. `synthetic`: requests of random
lengths on 128 instances. `cluster`: half a million chips, prefill and decode apart. The answers are checked: all requests finished, equal in every run. With --check the
status is 1 if the trace takes more than 0.3 s of processor time, the synthetic requests come at less than a million per second of it, or the cluster takes more than two minutes.
"""
import argparse
import json
import resource
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def measure(command):
    """(wall seconds, processor seconds, results) of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    done = subprocess.run([*command, "--json"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit status {done.returncode}\n{done.stderr.decode()}")
    return wall, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, json.loads(done.stdout)["results"]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", default=str(ROOT / "build/release/bin/zettatwin"))
    parser.add_argument("--trace", help="Mooncake's conversation trace")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--requests", type=int, default=10_000_000)
    parser.add_argument("--check", action="store_true")
    a = parser.parse_args()
    serve = [a.program, "serve"]
    cases = {
        "synthetic": serve + ["--machine", "dgx-h200", "--chips", "128", "--model", "llama-3.1-8b", "--deployment", "tp=1", "--rate", "6000", "--input-len", "lognormal:512:0.5", "--output-len",
                              "lognormal:128:0.5", "--requests", str(a.requests)],
        "cluster": serve + [str(ROOT / "scenarios/serving/atlas-950-deepseek-v3.yaml")],
    }
    if a.trace:
        cases["trace"] = serve + ["--machine", "dgx-h800", "--chips", "256", "--model", "deepseek-v3", "--deployment", "tp=8,pp=2,weights=fp8_block,instances=16", "--trace", a.trace,
                                  "--trace-format", "mooncake"]
    failed = False
    print(f"{'case':<12}{'wall s':>10}{'cpu s':>10}{'requests':>14}{'requests/cpu s':>16}")
    for name, command in cases.items():
        runs = [measure(command) for _ in range(a.runs)]
        answers = {json.dumps(r[2]["requests"]) + str(r[2]["output_tokens_per_s"]) for r in runs}
        if len(answers) != 1:
            sys.exit(f"{name}: different answers: {answers}")
        wall, cpu, results = min(runs, key=lambda r: r[1])
        counts = results["requests"]
        if counts["arrived"] != counts["finished"] or results["verdict"] != "stable":
            sys.exit(f"{name}: {results['verdict']}, {counts}")
        rate = counts["finished"] / cpu
        print(f"{name:<12}{wall:>10.2f}{cpu:>10.2f}{counts['finished']:>14,}{rate:>16,.0f}")
        failed |= {"trace": cpu > 0.3, "synthetic": rate < 1e6, "cluster": wall > 120}[name]
    return 1 if a.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
