# SPDX-License-Identifier: Apache-2.0
"""Runs the built program the way users do: by name, from a scratch folder that holds the project's scenarios."""
import contextlib
import os
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_S = int(os.environ.get("ZT_TEST_TIMEOUT_S", "120"))  # presets that run slowly set more


@contextlib.contextmanager
def scratch_folder():
    """A folder that goes away, with links to what a user finds beside the program."""
    with tempfile.TemporaryDirectory(prefix="zettatwin-test-") as folder:
        for name in ("scenarios", "catalog"):
            if (ROOT / name).exists():
                os.symlink(ROOT / name, Path(folder) / name)
        yield Path(folder)


def environment(binary, **changes):
    """The environment with the program's folder first on PATH, and a fixed language."""
    path = f"{Path(binary).resolve().parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, "LC_ALL": "C.UTF-8", **changes}


def run(command, folder, env, **options):
    """A finished process with text output; standard input is empty."""
    return subprocess.run(command, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=TIMEOUT_S, check=False, **options)
