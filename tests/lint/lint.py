#!/usr/bin/env python3
"""The house rules that a compiler does not check.

    lint.py [--root DIR] [RULE ...]     all rules without RULE
    lint.py --list                      the rules' names, one a line

A rule first proves on planted files that it can fail, then reads the tree.
Exit status 1: a rule is broken or blind; what and where is printed.
"""

import argparse
import pathlib
import re
import sys
import tempfile

# -- tables -------------------------------------------------------------------

BASE, PORTS, CODEC, ENTITY, ENGINE, ANALYTICS = (
    "runtime/" + name
    for name in ("base", "ports", "codec", "entity", "engine", "analytics"))
AUTHORS = [BASE, CODEC, ENTITY, ANALYTICS]

# Which folder may include which (docs: the architecture's arrows). A folder
# may always include itself. `*` is one name; a bridge never sees another one.
ALLOWED_INCLUDES = {
    BASE: [],
    PORTS: [BASE],
    CODEC: [BASE],
    ENTITY: [BASE, CODEC],
    ENGINE: [BASE, PORTS, CODEC, ENTITY],
    ANALYTICS: [BASE, CODEC, ENTITY],
    "bridges/*": [BASE, PORTS, CODEC],
    "actors/messages": [BASE, CODEC],
    "actors": AUTHORS + ["actors/messages"],
    "sagas": AUTHORS + ["actors/messages"],
    "node": [BASE, PORTS, CODEC, ENTITY, ENGINE, ANALYTICS, "bridges/*",
             "actors", "actors/messages", "sagas"],
    "tests": ["*"],
}

# Which folders may include a third party's header (matched from its start).
THIRD_PARTIES = {
    r"(librdkafka/)?rdkafka": ["bridges/kafka", "tests/bench/kafka_latency.cpp"],
    r"msgpack": [CODEC, "tests/unit/runtime/codec"],
    r"boost/json": [CODEC],
    r"lmdb\.h": ["bridges/log", "tests/bench"],
    r"caf/": [ENGINE, "node", "tests"],
    r"yaml-cpp/": ["node"],
    r"CLI/": ["node", "tests/testkit/simulation/command_line.cpp"],
    r"catch2/": ["tests"],
}

SLEEP = r"\b(sleep_for|sleep_until|usleep|nanosleep)\b"

# What is not written, what to write instead, and where it may be after all.
# A place is a file or a folder, each with its reason behind it.
BANS = [
    (r"\bsystem_clock::now\b", "take the time from freehold::clock", {
        "runtime/base/clock.cpp": "is that clock",
        "tests/bench": "measures",
        "tests/integration": "meets the world",
    }),
    (r"\b(steady_clock|high_resolution_clock)::now\b",
     "take the time from freehold::clock or a timer of the engine", {
         "runtime/base/clock.cpp": "is that clock",
         "tests/bench": "measures",
         "tests/integration": "meets the world",
     }),
    (SLEEP, "wait for what you wait for, or use a timer of the engine", {
        "tests": "has a rule of its own",
    }),
    (r"\bs?rand\s*\(|\brandom_device\b|\bmt19937(_64)?\b",
     "use freehold::random_source with a seed", {}),
    (r"(?<!operator )(?<!= )\bdelete\b(\s*\[\s*\])?\s*[A-Za-z_:(*]",
     "let a std::unique_ptr or a container own it", {}),
    (r"\bstd::j?thread\b(?!::)", "let the engine's workers run it", {
        ENGINE: "has the workers",
        "bridges": "block on the outside world",
        "node/lag_monitor.hpp": "asks a log, which waits for the outside world",
        "tests": "drive ports from outside",
    }),
    (r"\bstd::(cout|cerr)\b", "return a result or use the logger", {
        "node": "talks to a person",
        "tests": "talk to a person",
    }),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)", "catch what the third party throws", {
        ENGINE: "an author's handler may throw anything",
        "runtime/entity/dispatch.hpp": "the same, one layer below",
        "runtime/codec/detail/decode_dynamic.hpp": "the same of upcasters",
        "bridges": "a thread's end: the log reports itself broken",
        "node": "the last line of defence",
    }),
    (r"#\s*include\s*<caf/all\.hpp>", "include the headers you use", {}),
    (r"\bcaf::infinite\b", "give every request a finite timeout", {}),
]

# A constructor that is private cannot be called by std::make_unique: what a
# smart pointer takes over in the same expression is not naked.
NEW = re.compile(r"(?<!operator )\bnew\s+[A-Za-z_:]")
TAKEN_OVER = re.compile(
    r"\b((unique|shared)_ptr<[^;]*>\s*\w*\s*[({]|\.reset\()\s*$")

IN_TESTS_ONLY_WITH_TIME = ["tests/integration", "tests/bench"]

LINES_MAX = 800
COLUMNS_MAX = 80

TOP_FOLDERS = ["runtime", "bridges", "actors", "sagas", "node", "tests",
               "configs", "docs", "scripts"]

# Spelled in pieces, so that this file may be read by its own rule.
FORBIDDEN_WORDS = {
    "/ro" + "ot/": "a path of somebody's machine",
    "/ho" + "me/": "a path of somebody's machine",
    "/Us" + "ers/": "a path of somebody's machine",
    "/wo" + "rk/": "a path of somebody's machine",
    "iss" + "ue #": "a number that means nothing here; say what it is",
}

SKIPPED_FOLDERS = {".git", "build", "data", ".cache", "__pycache__"}
BINARY_OR_DATA = {".csv", ".png", ".jpg", ".gz", ".bin", ".pyc", ".swp"}

# -- reading ------------------------------------------------------------------


class Tree:
    """The files under a root, read once."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.paths = sorted(self._walk(self.root))
        self._texts = {}

    def _walk(self, folder):
        for each in folder.iterdir():
            if each.is_dir():
                top_level = folder == self.root
                hidden = each.name in {".git", ".cache", "__pycache__"}
                if not hidden and not (top_level
                                       and each.name in SKIPPED_FOLDERS):
                    yield from self._walk(each)
            elif each.suffix not in BINARY_OR_DATA:
                yield each.relative_to(self.root).as_posix()

    def text(self, path):
        if path not in self._texts:
            data = (self.root / path).read_bytes()
            self._texts[path] = data.decode("utf-8", errors="replace")
        return self._texts[path]

    def lines(self, path):
        return self.text(path).split("\n")

    def code(self, path):
        """The lines of a C++ file without comments and literals."""
        return without_comments_and_literals(self.text(path)).split("\n")

    def sources(self):
        return [x for x in self.paths if x.endswith((".hpp", ".cpp"))]

    def includes(self, path):
        """(line number, name, is it in quotes) of each include."""
        text = without_comments(self.text(path))
        for number, line in enumerate(text.split("\n"), 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if found:
                yield number, found[2], found[1] == '"'


# One alternative per thing that is not code. Order matters.
LITERALS = re.compile(
    r'(?P<raw>R"(?P<tag>[^()\\\s]{0,16})\(.*?\)(?P=tag)")'
    r'|(?P<text>"(?:\\.|[^"\\\n])*")'
    r"|(?P<character>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')"
    r"|(?P<comment>//[^\n]*|/\*.*?\*/)", re.DOTALL)


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def without_comments(text):
    return LITERALS.sub(
        lambda x: blank(x[0]) if x["comment"] else x[0], text)


def without_comments_and_literals(text):
    return LITERALS.sub(lambda x: blank(x[0]), text)


def is_under(path, folder):
    return path == folder or path.startswith(folder + "/")


def row_of(path):
    """The row of the include table that a file belongs to, or None."""
    if is_under(path, "actors") and "messages" in path:
        return "actors/messages"
    best = None
    for row in ALLOWED_INCLUDES:
        pattern = re.escape(row).replace(r"\*", "[^/]+") + "/"
        if re.match(pattern, path) and (best is None or len(row) > len(best)):
            best = row
    return best


# -- rules --------------------------------------------------------------------


def find_cycle(edges):
    """A cycle in {from: set of to} as a list of names, or None."""
    done, path = set(), []

    def visit(name):
        if name in path:
            return path[path.index(name):] + [name]
        if name in done:
            return None
        path.append(name)
        for other in sorted(edges.get(name, ())):
            found = visit(other)
            if found:
                return found
        path.pop()
        done.add(name)
        return None

    for name in sorted(edges):
        found = visit(name)
        if found:
            return found
    return None


def includes(tree):
    """Folders include each other only along the arrows, without a circle."""
    edges = {}
    for path in tree.sources():
        row = row_of(path)
        if row is None:
            yield path, 1, "is in a folder without a row in lint.py's table"
            continue
        for line, name, quoted in tree.includes(path):
            if not quoted:
                continue
            if not (tree.root / name).is_file():
                yield path, line, f"{name} is not a path from the root"
                continue
            other = row_of(name)
            allowed = ALLOWED_INCLUDES[row]
            # Two bridges share a row and are strangers all the same.
            same = other == row and (
                row != "bridges/*" or name.split("/")[1] == path.split("/")[1])
            if not same and other not in allowed and "*" not in allowed:
                yield (path, line, f"{row} may not include {name}; it may "
                       f"include {', '.join(allowed) or 'nothing of ours'}")
            if row != "tests":
                start, end = folder_of(path), folder_of(name)
                if start != end:
                    edges.setdefault(start, set()).add(end)
    cycle = find_cycle(edges)
    if cycle:
        yield ".", 1, "folders include each other: " + " -> ".join(cycle)


def folder_of(path):
    row = row_of(path) or ""
    return row if "*" not in row else "/".join(path.split("/")[:2])


def third_parties(tree):
    """A third party's headers appear only where it is wrapped."""
    for path in tree.sources():
        for line, name, _ in tree.includes(path):
            for pattern, folders in THIRD_PARTIES.items():
                if re.match(pattern, name) and not any(
                        is_under(path, x) for x in folders):
                    yield (path, line, f"{name} may be included only in "
                           + ", ".join(folders))


def bans(tree):
    """What has a better replacement is not used."""
    for path in tree.sources():
        lines = tree.code(path)
        for pattern, instead, places in BANS:
            if any(is_under(path, x) for x in places):
                continue
            for number, line in enumerate(lines, 1):
                found = re.search(pattern, line)
                if found:
                    yield path, number, f"`{found[0].strip()}`: {instead}"
        text = "\n".join(lines)
        for found in NEW.finditer(text):
            before = text[max(0, found.start() - 200):found.start()]
            if not TAKEN_OVER.search(before):
                yield (path, text.count("\n", 0, found.start()) + 1,
                       "naked `new`: use std::make_unique or a container, or "
                       "give it to a smart pointer at once")
        if path.endswith(".hpp"):
            for number, line in enumerate(lines, 1):
                if re.match(r"using namespace\b", line):
                    yield (path, number, "`using namespace` in a header: "
                           "write the names out")


def registered_tests(tree):
    """Every *_test.cpp is in a CMakeLists.txt, or it would rot unseen."""
    known = set()
    for path in tree.paths:
        if path.endswith("CMakeLists.txt"):
            folder = path[:-len("CMakeLists.txt")]
            text = re.sub(r"#.*", "", tree.text(path))
            for name in re.findall(r"[\w./-]+_test\.cpp", text):
                known.add(folder + name)
    for path in tree.paths:
        if path.endswith("_test.cpp") and path not in known:
            yield path, 1, "is in no CMakeLists.txt; add it to a freehold_test"


def no_sleep_in_tests(tree):
    """Tests wait for events or move their own clock."""
    for path in tree.sources():
        if not is_under(path, "tests") or any(
                is_under(path, x) for x in IN_TESTS_ONLY_WITH_TIME):
            continue
        for number, line in enumerate(tree.code(path), 1):
            if re.search(SLEEP, line):
                yield (path, number, "a test that sleeps is slow or fails now "
                       "and then; wait for the event or move a clock")


def form(tree):
    """Line length, last newline, #pragma once, own header first."""
    for path in tree.sources():
        lines = tree.lines(path)
        for number, line in enumerate(lines, 1):
            if len(line) > COLUMNS_MAX:
                yield path, number, f"is longer than {COLUMNS_MAX} columns"
            if line != line.rstrip():
                yield path, number, "has blanks at its end"
        if lines[-1] != "" or lines[-2:-1] == [""]:
            yield path, len(lines), "does not end with exactly one newline"
        if path.endswith(".hpp"):
            code = [x for x in tree.code(path) if x.strip()]
            if not code or code[0].strip() != "#pragma once":
                yield path, 1, "does not begin with #pragma once"
            continue
        own = path[:-len(".cpp")] + ".hpp"
        names = [name for _, name, _ in tree.includes(path)]
        if (tree.root / own).is_file() and names[:1] != [own]:
            yield path, 1, f'the first include is not "{own}"'


def file_size(tree):
    """No file grows beyond what a person reads in one sitting."""
    for path in tree.paths:
        if not path.endswith((".hpp", ".cpp", ".py", ".cmake", ".txt", ".sh")):
            continue
        count = tree.text(path).count("\n")
        if count > LINES_MAX:
            yield path, LINES_MAX, f"has {count} lines; split it"


def readmes(tree):
    """Each top folder says what it is for."""
    for folder in TOP_FOLDERS:
        filled = any(is_under(x, folder) for x in tree.paths)
        if filled and folder + "/README.md" not in tree.paths:
            yield (folder, 1, "has no README.md (purpose, main classes, "
                   "threads, what it may include)")


def links(tree):
    """A link from one page to another leads somewhere."""
    for path in tree.paths:
        if not path.endswith(".md"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for target in re.findall(r"\]\(([^)\s]+)\)", line):
                if re.match(r"[a-z]+:", target) or target.startswith("#"):
                    continue
                file = (tree.root / path).parent / target.split("#")[0]
                if not file.exists():
                    yield path, number, f"links to {target}, which is not there"


def forbidden_words(tree):
    """Nothing of somebody's machine or notebook."""
    for path in tree.paths:
        for number, line in enumerate(tree.lines(path), 1):
            for word, why in FORBIDDEN_WORDS.items():
                if word.lower() in line.lower():
                    yield path, number, f"`{word}`: {why}"


# -- self-tests ---------------------------------------------------------------

# A tree that keeps all rules. Each plant adds or replaces one file of it.
GOOD_TREE = {
    "runtime/base/a.hpp": "/// A.\n#pragma once\n",
    "runtime/base/a.cpp":
        '#include "runtime/base/a.hpp"\n\n#include <vector>\n'
        '// std::cout and new T in a comment\n'
        'const char* x = "rand(), delete p, sleep_for";\n'
        'const char* y = R"(std::thread t;)";\n'
        "const char z = '\"'; const int big = 1'000'000;\n"
        "std::unique_ptr<b> p{\n    new b(1)};\n"
        "struct b { b(b&) = delete; void* operator new(unsigned long); };\n",
    "bridges/log/a.hpp":
        '#pragma once\n\n#include "runtime/base/a.hpp"\n\n#include <lmdb.h>\n',
    "actors/property_messages.hpp":
        '#pragma once\n\n#include "runtime/base/a.hpp"\n',
    "sagas/a.cpp": '#include "actors/property_messages.hpp"\n',
    "tests/unit/a_test.cpp":
        '#include "runtime/base/a.hpp"\n\n#include <catch2/catch.hpp>\n',
    "tests/unit/CMakeLists.txt": "freehold_test(x SOURCES a_test.cpp)\n",
    "data/left_alone.cpp": "int* p = new int;\n",
    "docs/a.md": "Words, [more](../docs/b.md#there), [far](https://x.y).\n",
    "docs/b.md": "[Back](a.md), [here](#b), [all](.).\n",
    **{folder + "/README.md": "# x\n" for folder in TOP_FOLDERS},
}


def including(name, opening='"', closing='"'):
    return f"#include {opening}{name}{closing}\n"


# Per rule: planted files that it must report, each (files, words of it).
PLANTS = {
    includes: [
        ({"runtime/base/b.cpp": including("bridges/log/a.hpp")},
         "may not include"),
        ({"actors/b.cpp": including("bridges/log/a.hpp")}, "may not include"),
        ({"bridges/kafka/b.cpp": including("bridges/log/a.hpp")},
         "may not include"),
        ({"sagas/b.cpp": including("actors/b.hpp"),
          "actors/b.hpp": "#pragma once\n"}, "may not include"),
        ({"node/b.cpp": including("a.hpp")}, "not a path from the root"),
        ({"elsewhere/b.cpp": "\n"}, "without a row"),
        ({"runtime/base/b.hpp": including("runtime/ports/b.hpp"),
          "runtime/ports/b.hpp": including("runtime/base/b.hpp")},
         "include each other"),
    ],
    third_parties: [
        ({path: including(name, "<", ">")}, name)
        for path, name in [
            ("node/b.cpp", "librdkafka/rdkafka.h"), ("node/b.cpp", "rdkafka.h"),
            ("bridges/log/b.cpp", "msgpack.hpp"),
            ("runtime/engine/b.cpp", "lmdb.h"),
            ("tests/unit/b.cpp", "lmdb.h"),
            ("actors/b.cpp", "caf/actor.hpp"),
            ("runtime/entity/b.cpp", "caf/actor.hpp"),
            ("runtime/engine/b.cpp", "boost/json.hpp"),
            ("runtime/base/b.cpp", "yaml-cpp/yaml.h"),
        ]
    ],
    bans: [
        ({path: line + "\n"}, words)
        for path, line, words in [
            ("node/b.cpp", "auto t = std::chrono::system_clock::now();",
             "freehold::clock"),
            ("bridges/log/b.cpp", "auto t = std::chrono::steady_clock::now();",
             "freehold::clock"),
            ("bridges/log/b.cpp", "std::this_thread::sleep_for(x);",
             "sleep_for"),
            ("actors/b.cpp", "int x = rand();", "random_source"),
            ("actors/b.cpp", "auto* p = new entity{};", "make_unique"),
            ("actors/b.cpp", "delete p;", "unique_ptr"),
            ("actors/b.cpp", "delete[] p;", "unique_ptr"),
            ("actors/b.cpp", "std::thread t{f};", "workers"),
            ("runtime/base/b.cpp", "std::cout << 1;", "logger"),
            ("actors/b.cpp", "catch (...) {}", "catch"),
            ("node/b.cpp", "#include <caf/all.hpp>", "headers you use"),
            ("node/b.cpp", "self->request(a, caf::infinite, 1);", "finite"),
            ("node/b.hpp", "using namespace std;", "names out"),
        ]
    ],
    registered_tests: [
        ({"tests/unit/b_test.cpp": "\n"}, "in no CMakeLists.txt"),
        ({"tests/unit/CMakeLists.txt": "# a_test.cpp\n"}, "in no CMake"),
    ],
    no_sleep_in_tests: [
        ({"tests/unit/b.cpp": "std::this_thread::sleep_for(1s);\n"}, "sleeps"),
    ],
    form: [
        ({"node/b.cpp": "//" + "x" * 79 + "\n"}, "80 columns"),
        ({"node/b.cpp": "int x; \n"}, "blanks at its end"),
        ({"node/b.cpp": "int x;"}, "newline"),
        ({"node/b.cpp": "int x;\n\n"}, "newline"),
        ({"node/b.hpp": "int x;\n"}, "#pragma once"),
        ({"node/b.hpp": "#pragma once\n",
          "node/b.cpp": "#include <vector>\n" + including("node/b.hpp")},
         "first include"),
    ],
    file_size: [({"node/b.cpp": "int x;\n" * (LINES_MAX + 1)}, "split it")],
    readmes: [({folder + "/README.md": None, folder + "/b.txt": "x\n"},
               "no README.md") for folder in TOP_FOLDERS],
    links: [
        ({"docs/a.md": "[gone](c.md)\n"}, "not there"),
        ({"docs/a.md": "[gone](../docs/formats)\n"}, "not there"),
    ],
    forbidden_words: [({"docs/a.md": f"see {word.upper()}1\n"}, word)
                      for word in FORBIDDEN_WORDS],
}

RULES = {rule.__name__.replace("_", "-"): rule for rule in PLANTS}


def findings_in(rule, files):
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            if text is not None:
                file = pathlib.Path(folder, path)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(text, encoding="utf-8")
        return list(rule(Tree(folder)))


def self_test(rule):
    """What is wrong with the rule itself, one text per fault."""
    for path, line, text in findings_in(rule, GOOD_TREE):
        yield f"reports a good file: {path}:{line}: {text}"
    for plant, words in PLANTS[rule]:
        found = findings_in(rule, {**GOOD_TREE, **plant})
        if not any(words in text for _, _, text in found):
            yield f"does not see what was planted: {plant}"


def main():
    parser = argparse.ArgumentParser(description="checks the house rules")
    here = pathlib.Path(__file__).resolve().parent
    parser.add_argument("--root", default=here.parent.parent)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("rules", nargs="*", metavar="RULE")
    given = parser.parse_args()
    if given.list:
        print("\n".join(RULES))
        return 0
    for name in given.rules:
        if name not in RULES:
            parser.error(f"no rule {name}; rules are {', '.join(RULES)}")
    failures = 0
    tree = Tree(given.root)
    if not tree.sources():
        parser.error(f"no sources under {given.root}")
    for name in given.rules or RULES:
        for text in self_test(RULES[name]):
            print(f"lint.py: {name}: {text}")
            failures += 1
        for path, line, text in RULES[name](tree):
            print(f"{path}:{line}: {text} [{name}]")
            failures += 1
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
