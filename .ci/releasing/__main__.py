"""Builds the functions' zips and what belongs to them: see `.ci/release`."""

import argparse
import hashlib
import shutil
import sys

import bill
import build
import crates
import licences
import package
import verify
from places import OUTPUT, TARGETS, WORKSPACE


def main():
    options = arguments()
    try:
        if options.verify:
            return max(verify.twice(options.functions, arch) for arch in options.arch)
        release(options.functions, options.arch)
    except build.Failed as failure:
        sys.exit(f"release: {failure}")
    return 0


def arguments():
    known = all_functions()
    parser = argparse.ArgumentParser(prog=".ci/release", description="Builds the functions into target/release-zips/.")
    parser.add_argument("functions", nargs="*", metavar="FUNCTION", help="one of " + ", ".join(known) + "; all, if none is named")
    parser.add_argument("--arch", action="append", choices=sorted(TARGETS), help="only this one; otherwise each whose target is installed")
    parser.add_argument("--verify", action="store_true", help="build each function twice, in two places, and compare")
    options = parser.parse_args()
    unknown = set(options.functions) - set(known)
    if unknown:
        parser.error(f"no such function: {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    options.functions = options.functions or known
    options.arch = options.arch or installed()
    return options


def all_functions():
    return sorted(manifest.parent.name for manifest in WORKSPACE.glob("functions/*/Cargo.toml"))


def installed():
    """The processors that can be built for here; says which cannot."""
    found = [arch for arch, target in TARGETS.items() if build.has_target(target)]
    for arch in TARGETS.keys() - set(found):
        print(f"NOT BUILT for {arch}: `rustup target add {TARGETS[arch]}` installs what is missing")
    if not found:
        sys.exit("release: no target is installed")
    return found


def release(functions, architectures):
    """Makes the directory anew, so that nothing in it is of an earlier build."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    for arch in architectures:
        for function in functions:
            one(function, arch)
        if set(functions) == set(all_functions()):  # else there is nothing for the others
            package.templates(arch, functions)
    sums = [(hashlib.sha256(path.read_bytes()).hexdigest(), path.name) for path in sorted(OUTPUT.iterdir())]
    (OUTPUT / "SHA256SUMS").write_text("".join(f"{digest}  {name}\n" for digest, name in sums))
    print("\n" + (OUTPUT / "SHA256SUMS").read_text(), end="")


def one(function, arch):
    """One function for one processor: zip, bill of materials, licences."""
    print(f"\n{function} for {arch}", flush=True)
    parts = crates.of(function, TARGETS[arch])
    bootstrap = package.with_list(build.bootstrap(function, arch, build.Place.here()), function, parts)
    notices = licences.text(parts)
    name = f"{function}-{arch}"
    (OUTPUT / f"{name}.zip").write_bytes(package.zipped(bootstrap, notices))
    (OUTPUT / f"{name}.cdx.json").write_text(bill.of_materials(function, parts, bootstrap))
    (OUTPUT / f"{name}.licences.txt").write_text(notices)


if __name__ == "__main__":
    sys.exit(main())
