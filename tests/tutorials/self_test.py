#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The runner of tutorials passes blocks that do what they say, and fails those that do not."""
import contextlib
import io
import tempfile
import unittest
from pathlib import Path

import run


def outcome(*scripts):
    """(blocks, problems) of a tutorial made of these blocks."""
    text = "".join(f"Some text.\n```sh\n{script}\n```\n```\nnot run\n```\n" for script in scripts)
    with tempfile.TemporaryDirectory() as folder:
        tutorial = Path(folder) / "t.md"
        tutorial.write_text(text, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            return run.run_tutorial(tutorial, "/bin/sh")


class Runner(unittest.TestCase):
    def test_blocks_share_a_folder(self):
        self.assertEqual(outcome("echo 42 > a", "cat a\n# expect: ^42$"), (2, 0))

    def test_expectation_covers_both_streams(self):
        self.assertEqual(outcome("echo one; echo two >&2\n# expect: one\n# expect: two"), (1, 0))

    def test_missing_output_fails(self):
        self.assertEqual(outcome("echo one\n# expect: two"), (1, 1))

    def test_status(self):
        self.assertEqual(outcome("false"), (1, 1))
        self.assertEqual(outcome("exit 2\n# exit: 2"), (1, 0))
        self.assertEqual(outcome("true\n# exit: 2"), (1, 1))

    def test_first_failing_line_ends_a_block(self):
        self.assertEqual(outcome("false\ntrue"), (1, 1))


if __name__ == "__main__":
    unittest.main()
