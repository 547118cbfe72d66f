#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where the program's output goes: output.py PROGRAM. A full disk is an error of its own; links, pipes and devices stay what they are."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

import program

BINARY = ""
TRAIN = ["train", "--machine", "dgx-h100", "--model", "llama-3.1-8b", "--chips", "8", "--plan", "tp=8,zero=0"]


class Output(unittest.TestCase):
    def setUp(self):
        scratch = program.scratch_folder()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)

    def ask(self, *arguments, **options):
        """A finished process; standard output is kept unless `stdout` says where it goes."""
        return subprocess.run([BINARY, *arguments], cwd=self.folder, env=program.environment(BINARY), stdin=subprocess.DEVNULL,
                              stderr=subprocess.PIPE, timeout=program.TIMEOUT_S, check=False, **{"stdout": subprocess.PIPE, **options})

    @unittest.skipUnless(os.path.exists("/dev/full"), "no /dev/full")
    def test_full_disk(self):
        for arguments in (["--version"], ["--help"], TRAIN, [*TRAIN, "--json"], ["catalog", "list"]):  # shorter and longer than a buffer
            with self.subTest(arguments=arguments), open("/dev/full", "wb") as full:
                done = self.ask(*arguments, stdout=full)
                self.assertEqual(done.returncode, 70)
                self.assertIn(b"cannot write", done.stderr)

    def test_file(self):
        self.assertEqual(self.ask(*TRAIN, "--trace", "new.json").returncode, 0)
        self.assertTrue((self.folder / "new.json").read_bytes().startswith(b"{"))
        self.assertEqual(sorted(p.name for p in self.folder.iterdir()), ["catalog", "new.json", "scenarios"])

    def test_links_stay(self):
        (self.folder / "there").mkdir()
        for name, target in (("a", "b"), ("b", "there/new.json")):
            os.symlink(target, self.folder / name)
        self.assertEqual(self.ask(*TRAIN, "--trace", "a").returncode, 0)
        self.assertTrue((self.folder / "a").is_symlink() and (self.folder / "b").is_symlink())
        self.assertTrue((self.folder / "there/new.json").read_bytes().startswith(b"{"))

    def test_circle_of_links(self):
        os.symlink("b", self.folder / "a")
        os.symlink("a", self.folder / "b")
        self.assertEqual(self.ask(*TRAIN, "--trace", "a").returncode, 2)

    def test_pipe_stays(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE)
        try:
            self.assertEqual(self.ask(*TRAIN, "--trace", "pipe").returncode, 0)
            self.assertTrue(pipe.is_fifo())
            self.assertTrue(reader.communicate(timeout=program.TIMEOUT_S)[0].startswith(b"{"))
        finally:
            reader.kill()  # it waits for ever if nobody has written
            reader.communicate()

    def test_folder_that_is_not_there(self):
        done = self.ask(*TRAIN, "--trace", "nowhere/new.json")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"cannot be written", done.stderr)


if __name__ == "__main__":
    BINARY = str(Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
