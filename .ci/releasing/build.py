"""Builds one function with cargo-lambda so that where it was built does not show in it."""

import dataclasses
import os
import pathlib
import subprocess
import sys
import sysconfig

from places import PROCESSORS, TARGETS, WORKSPACE

# What would change a binary from outside. Proxies, certificates and the like stay.
MEDDLING = ("CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_PROFILE_", "CARGO_TARGET_", "CARGO_LAMBDA_", "CARGO_ZIGBUILD_", "AWS_LC_", "ZIG_",
            "RUSTC", "RUSTFLAGS", "CC", "CXX", "AR", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "TARGET_", "HOST_", "SOURCE_DATE_EPOCH")


class Failed(Exception):
    """What went wrong, for whoever started this."""


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a build stands. Nothing else of the machine's paths reaches the compilers."""

    source: pathlib.Path
    cargo_home: pathlib.Path
    output: pathlib.Path

    @classmethod
    def here(cls):
        """The working tree itself, with whatever was built in it before."""
        home = pathlib.Path(os.environ.get("CARGO_HOME") or pathlib.Path.home() / ".cargo")
        return cls(WORKSPACE, home.resolve(), WORKSPACE / "target/release-build")


def bootstrap(function, arch, place, log=None):
    """Builds it and gives its bytes. `log` takes what cargo tells, else the terminal does."""
    # Always one package, never several: cargo unites the features of all that it builds at once,
    # and a function built alone would not be the one that was built with the others.
    command = ["cargo", "lambda", "build", "--release", "--locked", "--package", function, "--target", TARGETS[arch],
               "--skip-target-check", "--lambda-dir", place.output / "lambda" / arch]
    try:
        subprocess.run(command, cwd=place.source, env=environment(arch, place), stdout=log, stderr=log, check=True)
    except subprocess.CalledProcessError as failure:
        raise Failed(f"cargo lambda build of {function} for {arch} in {place.source} ended with {failure.returncode}") from failure
    built = (place.output / "lambda" / arch / function / "bootstrap").read_bytes()
    refuse_paths(built, place)
    return built


def environment(arch, place):
    tools = pathlib.Path(sys.executable).parent
    kept = {name: value for name, value in os.environ.items() if not name.startswith(MEDDLING)}
    # Names that no directory has, so that one of the machine's can be told from them.
    # rustc takes the last mapping that fits: the output may lie within the source.
    flags = [f"--remap-path-prefix={place.source}=/-source", f"--remap-path-prefix={place.output}=/-target",
             f"--remap-path-prefix={place.cargo_home}=/-cargo", "-Ctarget-cpu=" + PROCESSORS[arch]]
    return kept | {
        "PATH": f"{tools}{os.pathsep}{os.environ['PATH']}",
        "CARGO_HOME": str(place.cargo_home),
        "CARGO_TARGET_DIR": str(place.output),  # cargo-lambda does not get on with `--target-dir`
        # Separated by a character that no path holds. It also outranks the flags of every configuration file.
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(flags),
        # The zig that is pinned, not one that the machine has; its caches are part of the build.
        "CARGO_ZIGBUILD_ZIG_PATH": str(pathlib.Path(sysconfig.get_path("purelib")) / "ziglang/zig"),
        "ZIG_GLOBAL_CACHE_DIR": str(place.output / "zig"),
        "ZIG_LOCAL_CACHE_DIR": str(place.output / "zig"),
        "XDG_CACHE_HOME": str(place.output / "cache"),
    }


def refuse_paths(built, place):
    """Where it was built must not stand in it: the check that a single build can make of itself."""
    for path in {place.source, place.cargo_home, place.output, pathlib.Path.home()} - {pathlib.Path("/")}:
        at = built.find(str(path).encode() + b"/")
        if at >= 0:
            raise Failed(f"the binary names a path of this machine: {built[at:at + 120]!r}")


def has_target(target):
    libraries = subprocess.run(["rustc", "--print", "target-libdir", "--target", target], capture_output=True, text=True, check=True)
    return any(pathlib.Path(libraries.stdout.strip()).glob("libstd-*"))


def versions():
    """What the bits depend on beside the source, by name."""
    def tell(*command):
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()

    python = tell(sys.executable, "-m", "pip", "list", "--disable-pip-version-check", "--format=freeze")
    pinned = dict(line.split("==") for line in python.splitlines() if "==" in line)
    return {"rustc": tell("rustc", "--version").split()[1], "cargo-lambda": pinned["cargo-lambda"], "zig": pinned["ziglang"]}
