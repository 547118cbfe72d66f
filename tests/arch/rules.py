# SPDX-License-Identifier: Apache-2.0
"""The rules of the architecture. Each takes a Project and yields "path:line: what is wrong"; no yield means that it holds."""
import re
from pathlib import Path

from project import CODE, includes, matches

SOURCE_SUFFIXES = CODE | {".py", ".sh", ".cmake", ".yaml", ".yml", ".md"}
LINES_MAX = 600

SYSTEM_HEADERS = {"fstream", "filesystem", "iostream", "thread", "mutex", "future", "condition_variable", "chrono", "ctime",
                  "random", "execution", "csignal", "unistd.h", "pthread.h", "sys/stat.h", "sys/types.h", "dirent.h"}
SYSTEM_CALLS = re.compile(r"\b(?:std::)?(getenv|secure_getenv|system|popen|fopen|exit|rand|srand|clock_gettime|gettimeofday)\s*\(")
# Spelled in parts, so that this file does not break its own rule.
OPEN_ENDS = re.compile(r"\b(" + "|".join(["TO" + "DO", "FIX" + "ME", "X" * 3]) + r")\b")
WORKPLACE = re.compile("|".join(["/wo" + "rk/", "/tmp/" + "zt", "shared/" + "design", "shared/" + "facts", "/ro" + "ot/"]))
VALIDATION_ROW = re.compile(r"\b(?:VTS|VTM|NEMO|FND|KOR|MLP|MGA|IEV|DGC|ASM|ASC)-\w+")
MODEL_NAME = re.compile(r"(?i)\b(llama|deepseek|mixtral|qwen|kimi|gpt-?\d|gpt-oss|nemotron|mpt-?\d|pangu)")

SITE_NAME = re.compile(r"(?i)\b(selene|eos|perlmutter|frontier|summit|leonardo|jupiter|colossus|stargate|coreweave|crusoe|lambda labs)\b")


def module_graph(project):
    """Declared modules exist, are declared bottom up (so there is no cycle), and include only what they depend on."""
    if not project.modules:
        yield "src/CMakeLists.txt:1: declares no module"
    known = set()
    for module, depends in project.modules.items():
        for dep in depends:
            if dep not in known:
                yield f"src/CMakeLists.txt:1: module {module} depends on {dep}, which is not declared above it"
        known.add(module)
    for path, text in project.under("src/", CODE):
        module = path.split("/")[1]
        if module not in project.modules:
            yield f"{path}:1: module {module} is not declared in src/CMakeLists.txt"
            continue
        allowed = project.reachable(module)
        for line, quoted, target in includes(text):
            if not quoted:
                continue
            if target.split("/")[0] not in project.modules:
                yield f"{path}:{line}: \"{target}\" is not of the form \"module/header.hpp\""
            elif target.split("/")[0] not in allowed:
                yield f"{path}:{line}: module {module} includes {target} but does not depend on {target.split('/')[0]}"


def private_parts(project):
    """The headers of <module>/detail/ are included by that module and its own tests alone."""
    for path, text in project.under("", CODE):
        owner = path.split("/")[2] if path.startswith("tests/unit/") else path.split("/")[1] if path.startswith("src/") else ""
        for line, quoted, target in includes(text):
            if quoted and "/detail/" in target and target.split("/")[0] != owner:
                yield f"{path}:{line}: {target} is private to module {target.split('/')[0]}"


def no_operating_system(project):
    """The core reads no files, clock, environment, threads or random device: the same input gives the same bits anywhere."""
    for path, text in project.under("src/", CODE):
        for line, quoted, target in includes(text):
            if not quoted and target in SYSTEM_HEADERS:
                yield f"{path}:{line}: <{target}> in the core; let the application pass it in"
        code = re.sub(r"//[^\n]*", "", text)
        for line, match in matches(SYSTEM_CALLS, code):
            yield f"{path}:{line}: {match.group(1)}() in the core; let the application pass its result in"


def json_in_sources_only(project):
    """nlohmann/json costs seconds of compile time per file, so headers pull in its forward declarations at most."""
    for path, text in project.under("", {".hpp"}):
        for line, _, target in includes(text):
            if target.startswith("nlohmann/") and target != "nlohmann/json_fwd.hpp":
                yield f"{path}:{line}: <{target}> in a header; include it in a .cpp file"


def header_guards(project):
    """Headers have #pragma once and open no namespace for their includers."""
    for path, text in project.under("", {".hpp"}):
        if not re.search(r"^#pragma once$", text, re.MULTILINE):
            yield f"{path}:1: no #pragma once"
        for line, _ in matches(re.compile(r"^using namespace", re.MULTILINE), text):
            yield f"{path}:{line}: using namespace at the top of a header"


def needs_licence_line(path, text):
    if re.search(r"(^|/)(data|fixtures|golden|seeds)/", path):
        return False
    return Path(path).suffix in SOURCE_SUFFIXES or path.endswith("CMakeLists.txt") or text.startswith("#!")


def licence_line(project):
    """The first line (the second of a script) names the licence."""
    for path, text in project.files.items():
        if not needs_licence_line(path, text):
            continue
        lines = text.split("\n", 2)
        first = lines[1] if text.startswith("#!") and len(lines) > 1 else lines[0]
        if "SPDX-License-Identifier: Apache-2.0" not in first:
            yield f"{path}:1: no SPDX-License-Identifier: Apache-2.0"


def finished(project):
    """Nothing is left for later in the text."""
    for path, text in project.files.items():
        if path == "LICENSE":
            continue
        for line, match in matches(OPEN_ENDS, text):
            yield f"{path}:{line}: {match.group(1)}"


def file_size(project):
    """No file of our own writing is longer than 600 lines; data files may be."""
    for path, text in project.files.items():
        lines = text.count("\n")
        if lines > LINES_MAX and needs_licence_line(path, text):
            yield f"{path}:{LINES_MAX}: {lines} lines"


def speaks_for_itself(project):
    """The project names no folder of the place where it was written."""
    for path, text in project.files.items():
        for line, match in matches(WORKPLACE, text):
            yield f"{path}:{line}: mentions {match.group(0)}"


def chips_know_no_models(project):
    """A chip's file holds figures of the chip: nothing fitted to one validation row, nothing of one model or site.

    The source of a figure may be the paper of a model."""
    for path, text in project.under("catalog/chips/", {".yaml"}):
        figures = re.sub(r"\bsource:[^,}\n]*", "", text)
        for pattern in (VALIDATION_ROW, MODEL_NAME, SITE_NAME):
            for line, match in matches(pattern, figures):
                yield f"{path}:{line}: mentions {match.group(0)}"


def module_readme(project):
    """Each module has a README.md: what it models, its laws, and a reading order."""
    for module in project.modules:
        if f"src/{module}/README.md" not in project.files:
            yield f"src/{module}/README.md:1: missing"


def map_is_true(project):
    """ARCHITECTURE.md lists every module with its declared dependencies, and stays under 200 lines."""
    text = project.files.get("ARCHITECTURE.md", "")
    rows = {name: depends.split() for name, depends in re.findall(r"^\| \d \| `(\w+)` \|([^|]*)\|", text, re.MULTILINE)}
    for name in sorted(set(project.modules) | set(rows)):
        if rows.get(name) != project.modules.get(name):
            yield f"ARCHITECTURE.md:1: {name} depends on {rows.get(name)} there, on {project.modules.get(name)} in src/CMakeLists.txt"
    if text.count("\n") >= 200:
        yield f"ARCHITECTURE.md:200: {text.count(chr(10))} lines"


RULES = {rule.__name__: rule for rule in (
    module_graph, private_parts, no_operating_system, json_in_sources_only, header_guards, licence_line, finished, file_size,
    speaks_for_itself, chips_know_no_models, module_readme,
    map_is_true)}
