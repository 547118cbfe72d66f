#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Golden reports: run.py PROGRAM compares, run.py --update PROGRAM writes.

Each line of cases.txt is a command; its exit status and standard output are kept in expected/NAME.txt with the few significant digits that
people see. A difference is either a mistake or a change that is meant: then update, and read the difference in the commit.
"""
import difflib
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "program"))
import program  # noqa: E402  (found by the line above)


def cases():
    """Pairs of name and arguments."""
    for line in (HERE / "cases.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, arguments = line.split(":", 1)
            yield name, arguments.split()


def answer(binary, arguments, folder):
    done = program.run([str(binary), *arguments], folder, program.environment(binary))
    return f"exit {done.returncode}\n{done.stdout}"


def main(arguments):
    update = arguments[:1] == ["--update"]
    binary = Path(arguments[-1]).resolve()
    expected = HERE / "expected"
    expected.mkdir(exist_ok=True)
    names, different = [], []
    with program.scratch_folder() as folder:
        for name, command in cases():
            names.append(name)
            now = answer(binary, command, folder)
            file = expected / f"{name}.txt"
            before = file.read_text() if file.exists() else ""
            if now == before:
                continue
            different.append(name)
            sys.stdout.writelines(difflib.unified_diff(before.splitlines(True), now.splitlines(True), f"{name} as expected", f"{name} now"))
            if update:
                file.write_text(now)
    orphans = sorted({file.stem for file in expected.glob("*.txt")} - set(names))
    for name in orphans:
        print(f"expected/{name}.txt belongs to no case")
    print(f"{len(names)} reports, {len(different)} {'updated' if update else 'different'}")
    if different and not update:
        print(f"if that is meant: tests/golden/run.py --update {arguments[-1]}")
    return 1 if orphans or (different and not update) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
