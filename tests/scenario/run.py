#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs declarative tests of the program: run.py PROGRAM FILE.test ...   The format is in README.md beside this file."""
import json
import math
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "program"))
import program  # noqa: E402  (found by the line above)

CHECK = re.compile(r"(?P<what>exit|stdout|stderr|json)\s*(?P<rest>.*)")
APPROX = re.compile(r"(?P<value>\S+)(?:\s*\+-\s*(?P<tolerance>[0-9.eE+-]+)\s*(?P<percent>%?))?$")
RELATIVE_TOLERANCE = 1e-9  # of a number without "+-": the same up to how it is printed


@dataclass
class Case:
    line: int
    arguments: str
    checks: list = field(default_factory=list)  # (line, text)


def parse(text):
    """(files, cases) of a .test text."""
    files, cases, current = {}, [], None
    for number, raw in enumerate(text.splitlines(), 1):
        if not raw.strip() or raw.lstrip().startswith("#"):
            continue
        if raw.startswith("file "):
            current = raw.split(None, 1)[1].strip()
            files[current] = ""
        elif not raw[0].isspace():
            current = Case(number, raw.strip())
            cases.append(current)
        elif isinstance(current, Case):
            current.checks.append((number, raw.strip()))
        elif isinstance(current, str) and raw.strip().startswith("|"):
            files[current] += re.sub(r"^\s*\| ?", "", raw) + "\n"
        else:
            raise ValueError(f"line {number}: not a case, a check or a line of a file: {raw}")
    return files, cases


def at_path(value, path):
    """results.ranks.0.name of a JSON value; KeyError if there is none."""
    for key in path.split("."):
        try:
            value = value[int(key)] if isinstance(value, list) else value[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise KeyError(path) from None
    return value


def same(actual, text):
    """Whether a JSON value is what `VALUE` or `VALUE +- TOLERANCE [%]` says; a text may stand without quotes."""
    if actual == text:
        return True
    match = APPROX.match(text)
    if not match:
        return json.dumps(actual) == text
    try:
        wanted = json.loads(match["value"])
    except json.JSONDecodeError:
        return False
    if isinstance(wanted, bool) or not isinstance(wanted, (int, float)):
        return actual == wanted
    if isinstance(actual, bool) or not isinstance(actual, (int, float)):
        return False
    tolerance = float(match["tolerance"] or RELATIVE_TOLERANCE * 100)
    relative = match["percent"] or match["tolerance"] is None
    return math.isclose(actual, wanted, rel_tol=0, abs_tol=abs(wanted) * tolerance / 100 if relative else tolerance)


def json_problem(output, rest):
    """What is wrong with `PATH = VALUE`, `PATH between LOW HIGH`, `PATH exists` or `PATH absent`; "" if nothing."""
    try:
        document = json.loads(output)
    except json.JSONDecodeError as error:
        return f"standard output is not JSON: {error}"
    path, relation, *operands = rest.split(None, 2)
    try:
        actual = at_path(document, path)
    except KeyError:
        return "" if relation == "absent" else f"{path} is missing"
    if relation == "exists":
        return ""
    if relation == "=" and operands:
        return "" if same(actual, operands[0]) else f"{path} is {json.dumps(actual)}"
    if relation == "between" and operands:
        low, high = map(float, operands[0].split())
        return "" if low <= actual <= high else f"{path} is {json.dumps(actual)}"
    return f"{path} is there" if relation == "absent" else f"unknown relation {relation}"


def text_problem(output, rest):
    """What is wrong with `empty`, `has TEXT`, `lacks TEXT` or `matches REGEX`; "" if nothing."""
    relation, _, operand = rest.partition(" ")
    holds = {"empty": lambda: not output, "has": lambda: operand in output, "lacks": lambda: operand not in output,
             "matches": lambda: re.search(operand, output, re.MULTILINE)}
    if relation not in holds:
        return f"unknown relation {relation}"
    return "" if holds[relation]() else f"not so:\n{output}"


def problem_of(check, done):
    """What is wrong with one check of a finished process."""
    match = CHECK.match(check)
    if not match:
        return "unknown check"
    what, rest = match["what"], match["rest"]
    if what == "exit":
        return "" if done.returncode == int(rest) else f"exit status {done.returncode}: {done.stderr[-2000:]}"
    if what == "json":
        return json_problem(done.stdout, rest)
    return text_problem(done.stdout if what == "stdout" else done.stderr, rest)


def run_case(binary, case, folder, env):
    """(line, problem) of each check that does not hold. Without an exit check, 0 is expected."""
    checks = case.checks
    if not any(text.startswith("exit") for _, text in checks):
        checks = [(case.line, "exit 0"), *checks]
    try:
        done = program.run([str(Path(binary).resolve()), *shlex.split(case.arguments)], folder, env)
    except subprocess.TimeoutExpired:
        return [(case.line, f"takes longer than {program.TIMEOUT_S} s")]
    found = ((line, text, problem_of(text, done)) for line, text in checks)
    return [(line, f"{text}: {problem}") for line, text, problem in found if problem]


def run_file(binary, path):
    """Number of cases and of problems."""
    files, cases = parse(Path(path).read_text(encoding="utf-8"))
    failures = 0
    with program.scratch_folder() as folder:
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
        for case in cases:
            for line, problem in run_case(binary, case, folder, program.environment(binary)):
                print(f"{path}:{line}: {case.arguments}: {problem}")
                failures += 1
    return len(cases), failures


def main(binary, paths):
    failures = 0
    for path in paths:
        count, bad = run_file(binary, path)
        print(f"{path}: {count} cases, {bad} problems")
        failures += bad + (count == 0)
    return 1 if failures or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
