"""What a function is made of: `cargo tree` knows the features of one package as cargo builds it."""

import dataclasses
import json
import pathlib
import re
import subprocess

from places import WORKSPACE


@dataclasses.dataclass(frozen=True)
class Crate:
    name: str
    version: str
    directory: pathlib.Path
    licence: str
    checksum: str | None  # none where it is the workspace's own
    linked: bool  # else it only takes part in the build: macros, build scripts
    dependencies: tuple  # (name, version) of each

    @property
    def key(self):
        return self.name, self.version


def of(function, target):
    """All crates of a function, sorted; the function's own is `root` of the answer."""
    linked, _ = tree(function, target, "normal,no-proc-macro")
    everything, needs = tree(function, target, "normal,build")
    told = metadata()
    sums = checksums()
    return [
        Crate(*key, directory=told[key][0], licence=told[key][1], checksum=sums.get(key), linked=key in linked,
              dependencies=tuple(sorted(needs[key])))
        for key in sorted(everything)
    ]


def root(function, crates):
    return next(crate for crate in crates if crate.name == function)


def tree(function, target, edges):
    """The keys of all packages, and for each those that it needs."""
    command = ["cargo", "tree", "--locked", "--package", function, "--target", target, "--edges", edges,
               "--prefix", "depth", "--format", " {p}"]
    lines = subprocess.run(command, cwd=WORKSPACE, capture_output=True, text=True, check=True).stdout.splitlines()
    return parse(lines)


def parse(lines):
    """Each line is a depth, a name and a version; what a package needs stands below it where it is first told."""
    needs, above = {}, []
    for line in lines:
        if not line.strip():
            continue
        match = re.match(r"(\d+) (\S+) v(\S+)", line)
        depth, key = int(match[1]), (match[2], match[3])
        needs.setdefault(key, set())
        if depth:
            needs[above[depth - 1]].add(key)
        above[depth:] = [key]
    return set(needs), needs


def metadata():
    command = ["cargo", "metadata", "--locked", "--format-version", "1"]
    packages = json.loads(subprocess.run(command, cwd=WORKSPACE, capture_output=True, check=True).stdout)["packages"]
    return {
        # `MIT/Apache-2.0` is how it was written before there were expressions.
        (package["name"], package["version"]): (pathlib.Path(package["manifest_path"]).parent, (package["license"] or "").replace("/", " OR "))
        for package in packages
    }


def checksums():
    lock = (WORKSPACE / "Cargo.lock").read_text()
    return {(name, version): digest for name, version, digest in
            re.findall(r'name = "(.+)"\nversion = "(.+)"\nsource = ".+"\nchecksum = "(.+)"', lock)}
