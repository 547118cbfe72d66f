# SPDX-License-Identifier: Apache-2.0
"""The project as the rules see it: text files by path relative to the root, and the declared module graph."""
import functools
import os
import re
from pathlib import Path

SKIPPED_FOLDERS = {".git", ".cache", "build", "node_modules", "__pycache__"}
CODE = {".hpp", ".cpp"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]', re.MULTILINE)
MODULE = re.compile(r"^\s*zt_module\(\s*(\w+)([^)]*)\)", re.MULTILINE)


class Project:
    def __init__(self, root):
        self.root = Path(root)

    @functools.cached_property
    def files(self):
        """Text of every project file: {"src/base/result.hpp": "..."}; binary files are left out."""
        found = {}
        for folder, folders, names in os.walk(self.root):
            folders[:] = sorted(f for f in folders if f not in SKIPPED_FOLDERS)
            for name in sorted(set(names) - SKIPPED_FOLDERS):  # in a second work tree .git is a file
                path = Path(folder) / name
                try:
                    found[path.relative_to(self.root).as_posix()] = path.read_text(encoding="utf-8")
                except (UnicodeDecodeError, FileNotFoundError):
                    continue
        return found

    def under(self, folder, suffixes=None):
        """(path, text) of the files below a folder, with one of the suffixes if given."""
        for path, text in self.files.items():
            if path.startswith(folder) and (suffixes is None or Path(path).suffix in suffixes):
                yield path, text

    @functools.cached_property
    def modules(self):
        """Declared direct dependencies in order of declaration: {"config": ["units"], ...}."""
        text = re.sub(r"#.*", "", self.files.get("src/CMakeLists.txt", ""))
        graph = {}
        for name, arguments in MODULE.findall(text):
            depends = re.search(r"\bDEPENDS\b(.*?)(?=\bEXTERNAL\b|$)", arguments, re.DOTALL)
            graph[name] = depends.group(1).split() if depends else []
        return graph

    def reachable(self, module):
        """A module with everything that it may include."""
        seen, todo = set(), [module]
        while todo:
            name = todo.pop()
            if name not in seen:
                seen.add(name)
                todo += self.modules.get(name, [])
        return seen


def includes(text):
    """(line, is_quoted, path) of each #include."""
    for match in INCLUDE.finditer(text):
        yield text.count("\n", 0, match.start(2)) + 1, match.group(1) == '"', match.group(2)


def matches(pattern, text):
    """(line, match) of a compiled pattern."""
    for match in pattern.finditer(text):
        yield text.count("\n", 0, match.start()) + 1, match
