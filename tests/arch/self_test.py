#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Each rule fails on a small tree that breaks it, and only on what breaks it."""
import tempfile
import unittest
from pathlib import Path

from project import Project
from rules import RULES

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"
HEADER = LICENCE + "#pragma once\n"
GRAPH = "# SPDX-License-Identifier: Apache-2.0\nzt_module(base EXTERNAL fmt::fmt)\nzt_module(space DEPENDS base)\nzt_module(plan DEPENDS space)\n"
GOOD = {
    "src/CMakeLists.txt": GRAPH,
    "src/base/README.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n",
    "src/space/README.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n",
    "src/plan/README.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n",
    "ARCHITECTURE.md": "<!-- SPDX-License-Identifier: Apache-2.0 -->\n| 0 | `base` | | x |\n| 1 | `space` | base | x |\n| 2 | `plan` | space | x |\n",
    "src/base/result.hpp": HEADER,
    "src/plan/detail/layout.hpp": HEADER,
    "src/plan/plan.cpp": LICENCE + '#include "base/result.hpp"\n#include "plan/detail/layout.hpp"\n#include <vector>\n',
    "catalog/chips/c.yaml": "# SPDX-License-Identifier: Apache-2.0\nclock: {value: 1 GHz, source: DeepSeek-V3 report}\n",
}


class Rules(unittest.TestCase):
    def violations(self, rule, **changes):
        """Violations of one rule in the good tree with some files replaced; None removes a file."""
        with tempfile.TemporaryDirectory() as root:
            for path, text in {**GOOD, **changes.get("files", {})}.items():
                if text is None:
                    continue
                target = Path(root) / path
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_text(text, encoding="utf-8")
            return list(RULES[rule](Project(root)))

    def breaks(self, rule, where, files):
        found = self.violations(rule, files=files)
        self.assertEqual(len(found), 1, found)
        self.assertTrue(found[0].startswith(where), found[0])

    def test_a_good_tree_breaks_no_rule(self):
        for rule in RULES:
            self.assertEqual(self.violations(rule), [], rule)

    def test_undeclared_edge(self):
        self.breaks("module_graph", "src/base/a.cpp:2: module base includes plan/plan.hpp",
                    {"src/base/a.cpp": LICENCE + '#include "plan/plan.hpp"\n'})

    def test_cycle(self):
        self.breaks("module_graph", "src/CMakeLists.txt:1: module base depends on plan",
                    {"src/CMakeLists.txt": GRAPH.replace("base EXTERNAL", "base DEPENDS plan EXTERNAL")})

    def test_undeclared_module(self):
        self.breaks("module_graph", "src/extra/a.cpp:1", {"src/extra/a.cpp": LICENCE})

    def test_include_without_module(self):
        self.breaks("module_graph", "src/plan/a.cpp:2", {"src/plan/a.cpp": LICENCE + '#include "plan.hpp"\n'})

    def test_no_modules_at_all(self):
        self.assertTrue(self.violations("module_graph", files={"src/CMakeLists.txt": "# nothing\n"}))

    def test_private_header(self):
        self.breaks("private_parts", "src/space/a.cpp:2",
                    {"src/space/a.cpp": LICENCE + '#include "plan/detail/layout.hpp"\n'})
        self.breaks("private_parts", "apps/cli/a.cpp:1", {"apps/cli/a.cpp": '#include "plan/detail/layout.hpp"\n'})
        self.assertEqual(self.violations("private_parts", files={
            "tests/unit/plan/a.cpp": '#include "plan/detail/layout.hpp"\n'}), [])

    def test_operating_system(self):
        self.breaks("no_operating_system", "src/plan/a.cpp:1", {"src/plan/a.cpp": "#include <fstream>\n"})
        self.breaks("no_operating_system", "src/plan/a.cpp:2",
                    {"src/plan/a.cpp": '// getenv("A")\nauto a = std::getenv("A");\n'})
        self.assertEqual(self.violations("no_operating_system", files={"apps/a.cpp": "#include <fstream>\n"}), [])

    def test_json_in_header(self):
        self.breaks("json_in_sources_only", "src/plan/a.hpp:3", {"src/plan/a.hpp": HEADER + "#include <nlohmann/json.hpp>\n"})

        self.assertEqual(self.violations("json_in_sources_only", files={
            "src/plan/a.hpp": HEADER + "#include <nlohmann/json_fwd.hpp>\n"}), [])

    def test_header_guards(self):
        self.breaks("header_guards", "src/plan/a.hpp:1", {"src/plan/a.hpp": LICENCE})
        self.breaks("header_guards", "src/plan/a.hpp:3", {"src/plan/a.hpp": HEADER + "using namespace std;\n"})

    def test_licence_line(self):
        self.breaks("licence_line", "src/plan/a.cpp:1", {"src/plan/a.cpp": "int a;\n"})
        self.breaks("licence_line", "go:1", {"go": "#!/bin/sh\nexit\n"})
        self.assertEqual(self.violations("licence_line", files={"go": "#!/bin/sh\n#" + LICENCE[2:]}), [])

    def test_open_ends(self):
        self.breaks("finished", "docs/a.md:2", {"docs/a.md": "\nTO" + "DO: later\n"})

    def test_file_size(self):
        self.breaks("file_size", "src/plan/a.cpp:600", {"src/plan/a.cpp": "\n" * 601})
        self.assertEqual(self.violations("file_size", files={"src/plan/a.cpp": "\n" * 600, "catalog/a.json": "\n" * 601}), [])

    def test_workplace(self):
        self.breaks("speaks_for_itself", "docs/a.md:1", {"docs/a.md": "see /wo" + "rk/main\n"})

    def test_chip_of_one_model_or_row(self):
        self.breaks("chips_know_no_models", "catalog/chips/c.yaml:1", {"catalog/chips/c.yaml": "note: fitted to FND-140\n"})
        self.breaks("chips_know_no_models", "catalog/chips/c.yaml:1", {"catalog/chips/c.yaml": "llama3_efficiency: 0.5\n"})
        self.breaks("chips_know_no_models", "catalog/chips/fitted/c.yaml:1", {"catalog/chips/fitted/c.yaml": "note: as measured on Selene\n"})

    def test_map(self):
        wrong = GOOD["ARCHITECTURE.md"].replace("| base |", "| plan |")
        self.breaks("map_is_true", "ARCHITECTURE.md:1: space", {"ARCHITECTURE.md": wrong})
        self.breaks("map_is_true", "ARCHITECTURE.md:200", {"ARCHITECTURE.md": GOOD["ARCHITECTURE.md"] + "\n" * 200})

    def test_missing_readme(self):
        self.breaks("module_readme", "src/space/README.md", {"src/space/README.md": None})


if __name__ == "__main__":
    unittest.main()
