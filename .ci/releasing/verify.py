"""Functions built twice from nothing, in two places that share no path, and compared."""

import concurrent.futures
import hashlib
import os
import pathlib
import shutil
import tempfile
import time

import build
import crates
import licences
import package
from places import TARGETS, WORKSPACE


def twice(functions, arch):
    """All in the same two places, so that dependencies are built once in each. Gives the exit code."""
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="release-") as one, tempfile.TemporaryDirectory(prefix="a-second-place-") as two:
        places = [place(pathlib.Path(one).resolve()), place(pathlib.Path(two).resolve() / "further down")]
        results = [compared(function, arch, places) for function in functions]
    print(f"{len(functions)} built twice in {time.monotonic() - began:.0f} s")
    return 0 if all(results) else 1


def compared(function, arch, places):
    """Both at once: the second half of a build keeps one core busy only. Whether they are the same."""
    parts = crates.of(function, TARGETS[arch])
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        built = list(pool.map(lambda where: quietly(function, arch, where), places))
    zips = [package.zipped(package.with_list(bootstrap, function, parts), licences.text(parts)) for bootstrap in built]
    for where, bytes_ in zip(places, zips):
        print(f"{hashlib.sha256(bytes_).hexdigest()}  {function}-{arch}.zip, built in {where.source}", flush=True)
    if zips[0] != zips[1]:
        print(f"DIFFERENT: {difference(*built)}", flush=True)
    return zips[0] == zips[1]


def place(directory):
    """A copy of the source, a cargo home with the downloads only, and an output that is not there yet."""
    source, home = directory / "source", directory / "home"
    shutil.copytree(WORKSPACE, source, ignore=shutil.ignore_patterns("target", ".git", "__pycache__"))
    known = build.Place.here().cargo_home
    for downloads in ("registry/index", "registry/cache"):
        if (known / downloads).is_dir():
            shutil.copytree(known / downloads, home / downloads)
    for configuration in ("config.toml", "config"):
        if (known / configuration).is_file():
            shutil.copy(known / configuration, home)
    return build.Place(source, home, directory / "output")


def quietly(function, arch, where):
    """Two cargos on one terminal cannot be read: each has a file, shown if it failed."""
    log = where.source.parent / "log"
    try:
        with log.open("w") as file:
            return build.bootstrap(function, arch, where, file)
    except build.Failed:
        print("".join(log.read_text().splitlines(keepends=True)[-40:]))
        raise


def difference(one, two):
    """Enough to look for the reason."""
    if one == two:
        return "the binaries are the same, the zips are not"
    at = len(os.path.commonprefix([one, two]))
    return f"{len(one)} and {len(two)} bytes, from byte {at} on: {one[at:at + 60]!r} and {two[at:at + 60]!r}"
