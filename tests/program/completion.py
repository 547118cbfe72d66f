#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the completion scripts offer: completion.py PROGRAM. Options are compared with what each command's --help shows."""
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import program

BINARY = ""
# Completes the last argument as bash does (which cuts words at '='), and says which files it would add.
BASH = """
source <(zettatwin completion bash)
compopt() { echo "compopt $2"; }
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
function=$(complete -p zettatwin | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
$function; for candidate in "${COMPREPLY[@]}"; do echo "$candidate"; done
"""
# The same in zsh, with what its completion system would be told in place of that system.
ZSH = """
compdef() { : }
compadd() { shift; print -l -- ${(M)@:#$words[CURRENT]*} }
_describe() { print -l -- ${options%%:*} }
_files() { print -- "compopt ${${1/-\\//dirnames}:-default}" }
source <(zettatwin completion zsh)
words=("$@"); CURRENT=$#
_zettatwin
"""
FISH = "zettatwin completion fish | source; complete -C $argv[1]"


class Shell(unittest.TestCase):
    def setUp(self):
        scratch = program.scratch_folder()
        self.folder = scratch.__enter__()
        self.addCleanup(scratch.__exit__, None, None, None)
        self.env = program.environment(BINARY)

    def ask(self, *command):
        done = program.run(command, self.folder, self.env)
        self.assertEqual((done.returncode, done.stderr), (0, ""), command)
        return done.stdout

    def complete(self, line, shell="bash"):
        """The candidates for the last word of a line."""
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        if shell == "fish":
            return [candidate.split("\t")[0] for candidate in self.ask("fish", "--no-config", "-c", FISH, line).split("\n") if candidate]
        script = ["bash", "--norc", "-c", BASH] if shell == "bash" else ["zsh", "-f", "-c", ZSH]
        return self.ask(*script, shell, *line.split(" ")).split("\n")[:-1]

    def commands(self, path=()):
        """Each command and its options, as --help shows them: ("catalog", "list"), {"--json", ...}."""
        text = self.ask("zettatwin", *path, "--help")
        yield path, {name for names in re.findall(r"^  (-[^ ]+)", text.split("\nOptions:\n")[1].split("\n\n")[0], re.M) for name in names.split(",")}
        below = text.split("\nSubcommands:\n")
        for name in re.findall(r"^  (\w+) ", below[1].split("\n\n")[0], re.M) if len(below) > 1 else ():
            yield from self.commands((*path, name))

    def check(self, shell):
        self.assertEqual(self.complete("zettatwin ser", shell), ["serve"])
        self.assertIn("--machine", self.complete("zettatwin serve --mach", shell))
        self.assertEqual(self.complete("zettatwin catalog li", shell), ["list"])
        self.assertEqual(self.complete("zettatwin serve --arrivals g", shell), ["gamma"])
        self.assertEqual(self.complete("zettatwin collective --json --routing d-", shell), ["d-mod-k"])
        self.assertEqual(self.complete("zettatwin completion z", shell), ["zsh"])
        machines = [path.stem for path in (program.ROOT / "catalog/machines").glob("dgx-*.yaml")]
        offered = self.complete("zettatwin serve --machine dgx-", shell)
        self.assertEqual(sorted(name for name in offered if name != "compopt default"), sorted(machines))
        self.assertIn("sglang", self.complete("zettatwin capacity --engine s", shell))
        self.assertIn("h100", self.complete("zettatwin calibrate --chip h1", shell))
        self.assertIn("h100", self.complete("zettatwin catalog show h1", shell))
        self.assertEqual(self.complete("zettatwin train --seq d", shell), [])

    def check_options(self, shell):
        commands = list(self.commands())
        self.assertGreater(len(commands), 12)
        for path, options in commands:
            line = " ".join(("zettatwin", *path))
            with self.subTest(shell=shell, command=line):
                offered = set(self.complete(f"{line} -", shell)) | set(self.complete(f"{line} --", shell))
                self.assertEqual(offered, options)


class Bash(Shell):
    def test_candidates(self):
        self.check("bash")

    def test_options(self):
        self.check_options("bash")

    def test_equals_sign(self):
        self.assertEqual(self.complete("zettatwin serve --arrivals = po"), ["poisson"])
        self.assertEqual(self.complete("zettatwin serve --arrivals ="), ["poisson", "gamma", "deterministic"])

    def test_values_with_spaces(self):
        done = self.ask("bash", "--norc", "-c", BASH, "bash", "zettatwin", "calibrate", "--note", "two words; $(serve) 'and' train", "--mach")
        self.assertEqual(done.split(), ["--machine"])

    def test_files(self):
        self.assertEqual(self.complete("zettatwin train --trace x"), ["compopt default"])
        self.assertEqual(self.complete("zettatwin calibrate --tables x"), ["compopt dirnames"])
        self.assertEqual(self.complete("zettatwin serve --rate x"), [])


class Zsh(Shell):
    def test_candidates(self):
        self.check("zsh")

    def test_options(self):
        self.check_options("zsh")


class Fish(Shell):
    def test_candidates(self):
        self.check("fish")

    def test_options(self):
        self.check_options("fish")


class Words(Shell):
    def test_accepted(self):
        """Words that are offered are words that the program knows."""
        for option in ("--op", "--algorithm", "--fidelity", "--routing"):
            for word in self.complete(f"zettatwin collective {option} "):
                self.ask("sh", "-c", f"zettatwin collective --machine dgx-h100 --ranks 2 --bytes 1MiB {option} {word} 2>&1")
        schema = self.ask("zettatwin", "catalog", "schema", "serve-scenario")
        traffic = self.ask("zettatwin", "catalog", "schema", "traffic")
        for option, text, field in (("--routing", schema, "router.routing"), ("--arrivals", traffic, "arrivals"), ("--trace-format", traffic, "trace.format")):
            known = re.search(rf"^{re.escape(field)} +one of ((?:\w+, )*\w+)", text, re.M)[1].split(", ")
            self.assertEqual(sorted(self.complete(f"zettatwin serve {option} ")), sorted(known))

    def test_names(self):
        kinds = ("chips", "machines", "models", "software", "serving", "claims")
        names = [self.ask("zettatwin", "catalog", "list", "--names", kind) for kind in kinds]
        self.assertEqual("".join(names), self.ask("zettatwin", "catalog", "list", "--names"))


if __name__ == "__main__":
    BINARY = str(Path(sys.argv[1]).resolve())
    unittest.main(argv=sys.argv[:1])
