#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the rules of the architecture: check.py ROOT [RULE ...]; all rules if none is named."""
import sys

from project import Project
from rules import RULES


def main(root, names):
    project = Project(root)
    broken = 0
    for name in names or RULES:
        violations = list(RULES[name](project))
        print(f"{name}: {len(violations)} violations in {len(project.files)} files. {RULES[name].__doc__.splitlines()[0]}")
        for violation in violations:
            print(f"  {violation}")
        broken += len(violations)
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
