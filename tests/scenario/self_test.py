#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The runner of scenario tests passes what holds and reports what does not, with its line."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import run

JSON = '{"results": {"chips": 16, "mfu": 0.41, "feasible": true, "ranks": [{"name": "a b"}]}}'


def problems(text):
    """Lines with problems of a .test text, run against a program that runs its first argument as a shell script."""
    with tempfile.TemporaryDirectory() as folder:
        fake = Path(folder) / "fake"
        fake.write_text('#!/bin/sh\nexec sh -c "$1"\n', encoding="utf-8")
        fake.chmod(0o755)
        test = Path(folder) / "a.test"
        test.write_text(text, encoding="utf-8")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            run.run_file(fake, test)
        return [int(line.split(":")[1]) for line in output.getvalue().splitlines() if line.startswith(str(test))]


class Runner(unittest.TestCase):
    def test_status(self):
        self.assertEqual(problems("'exit 0'\n"), [])
        self.assertEqual(problems("'exit 2'\n"), [1])
        self.assertEqual(problems("'exit 2'\n  exit 2\n"), [])
        self.assertEqual(problems("'exit 0'\n  exit 2\n"), [2])

    def test_streams(self):
        self.assertEqual(problems("'echo one two'\n  stdout has one two\n  stderr empty\n  stdout lacks three\n"), [])
        self.assertEqual(problems("'echo one >&2'\n  stdout has one\n  stderr matches ^on.$\n  stderr empty\n"), [2, 4])

    def test_json_that_holds(self):
        self.assertEqual(problems(f"""'cat j'
  json results.chips = 16
  json results.mfu = 0.41
  json results.mfu = 0.40 +- 3 %
  json results.mfu = 0.40 +- 0.011
  json results.mfu between 0.4 0.5
  json results.feasible = true
  json results.ranks.0.name = "a b"
  json results.ranks.0.name = a b
  json results.infeasible absent
  json results.ranks exists
file j
  | {JSON}
"""), [])

    def test_json_that_does_not_hold(self):
        self.assertEqual(problems(f"""file j
  | {JSON}
'cat j'
  json results.chips = 17
  json results.mfu = 0.40 +- 2 %
  json results.mfu between 0.5 0.6
  json results.feasible = false
  json results.ranks.0.name = a
  json results.ranks.1.name exists
  json results.mfu absent
  json results.mfu near 3
"""), [4, 5, 6, 7, 8, 9, 10, 11])

    def test_output_that_is_not_json(self):
        self.assertEqual(problems("'echo {'\n  json a = 1\n"), [2])

    def test_unknown_check(self):
        self.assertEqual(problems("'true'\n  stdin has a\n"), [2])


if __name__ == "__main__":
    unittest.main()
