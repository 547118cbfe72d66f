#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The comparison of run.py finds what it must."""
import unittest

import run

GROUPS = {"A": {"group": "A", "predicted": 3, "mean": 4.0}, "B": {"group": "B", "predicted": 0, "mean": None}}


class Problems(unittest.TestCase):
    def found(self, group, predicted, mean):
        return run.problems(GROUPS, [{"group": group, "predicted": str(predicted), "mean": str(mean)}])

    def test_within(self):
        self.assertEqual(self.found("A", 3, 4.0), [])
        self.assertEqual(self.found("B", 0, 1.0), [])

    def test_worse(self):
        self.assertIn("mean", self.found("A", 3, 3.9)[0])

    def test_fewer_rows(self):
        self.assertIn("4 were", self.found("A", 4, 9)[0])

    def test_group_gone(self):
        self.assertIn("no rows", self.found("C", 1, 9)[0])


if __name__ == "__main__":
    unittest.main()
