#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Executes the tutorials: run.py PROGRAM TUTORIAL.md ...

Each ```sh block is one script, run in order in one scratch folder. Comment lines inside a block say what must hold:
    # expect: REGEX     its output (both streams together) matches
    # exit: N           its exit status, 0 if nothing is said
"""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "program"))
import program  # noqa: E402  (found by the line above)

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(text):
    """(line, script) of each sh block of a Markdown text."""
    for match in BLOCK.finditer(text):
        yield text.count("\n", 0, match.start(1)) + 1, match.group(1)


def problems_of(script, folder, env):
    """What a block does not do as it says."""
    wanted = re.search(r"^# exit: (\d+)$", script, re.MULTILINE)
    status = int(wanted.group(1)) if wanted else 0
    done = program.run(["sh", "-eu", "-c", "exec 2>&1\n" + script], folder, env)
    found = []
    if done.returncode != status:
        found.append(f"exit status {done.returncode} instead of {status}")
    for expected in re.findall(r"^# expect: (.+)$", script, re.MULTILINE):
        if not re.search(expected, done.stdout, re.MULTILINE):
            found.append(f"no output matches {expected}")
    return found, done.stdout


def run_tutorial(path, binary):
    """Number of blocks run and number of problems."""
    count = failures = 0
    with program.scratch_folder() as folder:
        for line, script in blocks(Path(path).read_text(encoding="utf-8")):
            count += 1
            try:
                found, output = problems_of(script, folder, program.environment(binary))
            except subprocess.TimeoutExpired:
                found, output = [f"takes longer than {program.TIMEOUT_S} s"], ""
            for problem in found:
                print(f"{path}:{line}: {problem}\n--- output ---\n{output}--------------")
            failures += len(found)
    return count, failures


def main(binary, tutorials):
    failures = 0
    for tutorial in tutorials:
        count, bad = run_tutorial(tutorial, binary)
        print(f"{tutorial}: {count} blocks, {bad} problems")
        failures += bad + (count == 0)  # a tutorial without a block tests nothing
    return 1 if failures or not tutorials else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
