#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Same input, same bits: run.py PROGRAM SCENARIO.yaml ...

Runs each scenario under surroundings that must not matter (thread counts, language, time zone, folder, memory layout of two
runs) and compares the JSON byte by byte. Prints the hash of each answer, so that two builds or machines can be compared.
"""
import hashlib
import os
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "program"))
import program  # noqa: E402  (found by the line above)

SURROUNDINGS = [
    {},
    {},
    *({"OMP_NUM_THREADS": threads, "TBB_NUM_THREADS": threads} for threads in ("1", "2", "4")),
    {"LC_ALL": "C", "TZ": "Asia/Shanghai"},
    {"LC_ALL": "de_DE.UTF-8", "MALLOC_PERTURB_": "165"},
]


def answer(binary, scenario, changes, folder):
    """Standard output and status of one run."""
    command = "serve" if "/serving/" in scenario else "train"
    done = program.run([str(Path(binary).resolve()), command, scenario, "--json"], folder,
                       program.environment(binary, **changes))
    return f"exit {done.returncode}\n{done.stdout}"


def main(binary, scenarios):
    failures = 0
    with program.scratch_folder() as one, tempfile.TemporaryDirectory() as other:
        for name in ("scenarios", "catalog"):
            os.symlink(program.ROOT / name, Path(other) / name)
        for scenario in scenarios:
            relative = os.path.relpath(Path(scenario).resolve(), program.ROOT)
            answers = [answer(binary, relative, changes, one) for changes in SURROUNDINGS]
            answers.append(answer(binary, relative, {}, other))
            different = [i for i, text in enumerate(answers) if text != answers[0]]
            unanswered = not answers[0].startswith(("exit 0\n{", "exit 1\n{"))
            digest = hashlib.sha256(answers[0].encode()).hexdigest()[:16]
            print(f"{digest}  {relative}  {len(answers)} runs, {len(different)} differ"
                  + ("; no answer" if unanswered else ""))
            for i in different:
                print(f"  differs: {SURROUNDINGS[i] if i < len(SURROUNDINGS) else 'another folder'}")
            failures += len(different) + unanswered
    return 1 if failures or not scenarios else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
