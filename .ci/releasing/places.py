"""Where things are, and what may be built."""

import pathlib

WORKSPACE = pathlib.Path(__file__).resolve().parents[2]
OUTPUT = WORKSPACE / "target/release-zips"

# By the names that the template's `Architecture` takes.
TARGETS = {"arm64": "aarch64-unknown-linux-gnu", "x86_64": "x86_64-unknown-linux-gnu"}
# The oldest processors that Lambda runs these on, as cargo-lambda chooses where RUSTFLAGS do not.
PROCESSORS = {"arm64": "neoverse-n1", "x86_64": "haswell"}
