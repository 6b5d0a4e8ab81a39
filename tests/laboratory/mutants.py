#!/usr/bin/env python3
"""Breaks shared/core and shared/lifecycle on purpose, a line at a time, and sees whether a test fails.

    python3 tests/laboratory/mutants.py [--seed 1] [--count 200] [--copy DIRECTORY]

The same seed breaks the same lines. The work is done in a copy of the tree; this one is left alone.
"""
import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SWAPS = [
    (r" == ", " != "), (r" != ", " == "), (r" <= ", " < "), (r" < ", " <= "), (r" >= ", " > "),
    (r" && ", " || "), (r" \|\| ", " && "), (r"\.any\(", ".all("), (r"\.all\(", ".any("),
    (r"\.is_some\(\)", ".is_none()"), (r"\.is_none\(\)", ".is_some()"),
    (r"\bif !", "if "), (r"\btrue\b", "false"), (r"\bfalse\b", "true"),
    (r"\.min\(", ".max("), (r"\.max\(", ".min("), (r" \+ ", " - "), (r" - ", " + "),
]
STATEMENT = re.compile(r"^\s+(?!let |use |return|break|continue|//|#|\}|\{)[^=]*\S\(.*\)(\.await)?\??;$|^\s+[a-z_.*]+ = .*;$")


def mutants(source):
    """Every way to break a file, as (line number, new line)."""
    for number, line in enumerate(source):
        if re.match(r"#\[cfg\(test\)\]\s*$", line):
            return
        code = line.split("//")[0]
        if not code.strip() or code.lstrip().startswith(("#[", "use ", "pub use ", "///")) or '"' in code:
            continue
        for pattern, swap in SWAPS:
            for match in re.finditer(pattern, code):
                if pattern in (r" < ", r" - ", r" \+ ") and re.search(r"(->|::<|\bimpl\b|\bdyn\b|where)", code):
                    continue
                yield number, code[: match.start()] + swap + code[match.end() :]
        if STATEMENT.match(code):
            yield number, ""


def run(command, copy, limit):
    environment = dict(os.environ, SEEDS="400", CARGO_TARGET_DIR=str(copy / "target"), RUST_BACKTRACE="0")
    # In a group of its own, so that a test that hangs goes with the command that began it.
    done = subprocess.Popen(command, cwd=copy, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, start_new_session=True)
    try:
        output, _ = done.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(done.pid, signal.SIGKILL)
        done.communicate()
        return "hangs", ""
    if done.returncode == 0:
        return "survives", output
    if re.search(r"^error(\[E|: could not compile|: unused|: unreach)", output, re.M) and "panicked" not in output:
        return "does not compile", output
    return "caught", output


# Ours unoptimized: a mutant is built once and mostly caught by the first test that meets it.
OURS = ["shared-core", "resistant", "registry", "vault", "lifecycle", "runtime", "onboard-customer", "offboard-customer",
        "rotate-secret", "reconcile-tenants", "submit-document",
        "collect-result", "access", "laboratory"]
QUICKLY = [part for name in OURS for part in ("--config", f"profile.dev.package.{name}.opt-level=0")]


def tests(package, *targets):
    return ["cargo", "test", "--quiet", *QUICKLY, "-p", package, *targets]


CORE = tests("shared-core", "--lib")
# The quick ones first; what survives them meets every single fault, then closures and schedules.
FLOWS = [
    tests("laboratory", "--test", "flows", "--test", "budgets", "--test", "operators", "--test", "rotations",
          "--test", "documents", "--test", "by_hand"),
    tests("laboratory", "--test", "faults", "--", "every_single_fault_is"),
    tests("laboratory", "--test", "closure", "--test", "simulation", "--", "client_secret", "every_schedule"),
]


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--count", type=int, default=200)
    arguments.add_argument("--copy", type=pathlib.Path, default=ROOT / "target" / "mutants")
    asked = arguments.parse_args()
    asked.copy.mkdir(parents=True, exist_ok=True)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.split():
        target = asked.copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        # The new time tells cargo that a file broken by an earlier, interrupted run is another one now.
        if not target.exists() or target.read_bytes() != (ROOT / name).read_bytes():
            shutil.copy(ROOT / name, target)
    files = sorted([*(ROOT / "shared/core/src").rglob("*.rs"), *(ROOT / "shared/lifecycle/src").rglob("*.rs")])
    files = [file for file in files if "tests" not in file.name and file.name not in ("catalogue.rs", "connect.rs")]
    every = [(file.relative_to(ROOT), number, line) for file in files
             for number, line in mutants(file.read_text().split("\n"))]
    random.Random(asked.seed).shuffle(every)
    for command in (CORE, *FLOWS):
        verdict, output = run(command, asked.copy, 1200)
        if verdict != "survives":
            sys.exit(f"without a mutant the tests fail already:\n{output[-3000:]}")
    counts = {}
    for file, number, line in every:
        if counts.get("caught", 0) + counts.get("hangs", 0) + counts.get("survives", 0) >= asked.count:
            break
        source = (ROOT / file).read_text().split("\n")
        was = source[number]
        source[number] = line
        (asked.copy / file).write_text("\n".join(source))
        began = time.monotonic()
        verdict = "survives"
        for command in ([CORE] if "core" in str(file) else []) + FLOWS:
            verdict, _ = run(command, asked.copy, 240)
            if verdict != "survives":
                break
        (asked.copy / file).write_text((ROOT / file).read_text())
        counts[verdict] = counts.get(verdict, 0) + 1
        print(f"{verdict:16} {time.monotonic() - began:5.0f} s  {file}:{number + 1}\n"
              f"    - {was.strip()}\n    + {line.strip()}", flush=True)
    print(" ".join(f"{count} {verdict}," for verdict, count in sorted(counts.items())))


if __name__ == "__main__":
    main()
