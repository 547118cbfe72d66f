#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Installs the build into a scratch prefix and uses it from there: run.py BUILD CMAKE prefix|consumer|debian

prefix: the tree is complete and the program runs from it; consumer: another CMake project links the libraries;
debian: the packages declare their dependencies, and the program of the unpacked package runs.
"""
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
RUNTIME_FILES = ["bin/zettatwin", "share/zettatwin/catalog", "share/zettatwin/scenarios", "share/doc/zettatwin/README.md",
                 "share/doc/zettatwin/LICENSE", "share/doc/zettatwin/tutorials",
                 "share/bash-completion/completions/zettatwin", "share/zsh/vendor-completions/_zettatwin",
                 "share/fish/vendor_completions.d/zettatwin.fish"]


def run(*command, folder=None):
    """Output of a command that must succeed."""
    done = subprocess.run(list(map(str, command)), cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}: exit status {done.returncode}\n{done.stdout}")
    return done.stdout


def use_program(prefix, folder):
    """The program works from a prefix, in a folder that has nothing of the project."""
    for path in RUNTIME_FILES:
        if not (prefix / path).exists():
            sys.exit(f"{prefix / path} is missing")
    program = prefix / "bin/zettatwin"
    print(run(program, "--version", folder=folder).strip())
    # A chip that only this prefix has shows that the program reads the catalog beside it.
    chips = prefix / "share/zettatwin/catalog/chips"
    shutil.copy(sorted(chips.glob("*.yaml"))[0], chips / "only-here.yaml")
    listing = run(program, "catalog", "list", folder=folder)
    if "only-here" not in listing:
        sys.exit(f"the program does not read the catalog of its prefix:\n{listing}")


def prefix(build, cmake, scratch):
    run(cmake, "--install", build, "--prefix", scratch / "prefix")
    empty = scratch / "empty"
    empty.mkdir()
    use_program(scratch / "prefix", empty)


def consumer(build, cmake, scratch):
    run(cmake, "--install", build, "--prefix", scratch / "prefix")
    # Libraries with gcov counters need its runtime.
    counters = ["-DCMAKE_EXE_LINKER_FLAGS=--coverage"] if "--coverage" in (build / "CMakeCache.txt").read_text() else []
    run(cmake, "-S", HERE / "consumer", "-B", scratch / "consumer", "-G", "Ninja", f"-DCMAKE_PREFIX_PATH={scratch / 'prefix'}", *counters)
    run(cmake, "--build", scratch / "consumer")
    run(scratch / "consumer/consumer")


def debian(build, cmake, scratch):
    if not shutil.which("dpkg-shlibdeps"):
        print("SKIP: dpkg-shlibdeps is not installed")
        sys.exit(77)
    run(Path(cmake).with_name("cpack"), "--config", build / "CPackConfig.cmake", "-B", scratch / "packages")
    packages = {run("dpkg-deb", "-f", p, "Package").strip(): p for p in (scratch / "packages").glob("*.deb")}
    if sorted(packages) != ["zettatwin", "zettatwin-dev"]:
        sys.exit(f"packages are {sorted(packages)}")
    depends = run("dpkg-deb", "-f", packages["zettatwin"], "Depends")
    print("zettatwin depends on", depends.strip())
    for library in ("libc6", "libstdc++6", "libyaml-cpp"):
        if library not in depends:
            sys.exit(f"the package does not depend on {library}: {depends}")
    root = scratch / "root"
    run("dpkg-deb", "-x", packages["zettatwin"], root)
    empty = scratch / "empty"
    empty.mkdir()
    use_program(root / "usr", empty)


def main(build, cmake, what):
    with tempfile.TemporaryDirectory(prefix="zettatwin-install-") as scratch:
        {"prefix": prefix, "consumer": consumer, "debian": debian}[what](Path(build), cmake, Path(scratch))


if __name__ == "__main__":
    main(*sys.argv[1:])
