"""The bill of materials, in CycloneDX: only what is in the binary, with the checksums that cargo verified."""

import hashlib
import json

import build
import crates


def of_materials(function, parts, bootstrap):
    """No time and no serial number: the same binary has the same bill."""
    linked = [crate for crate in parts if crate.linked]
    root = crates.root(function, parts)
    inside = {crate.key for crate in linked}
    versions = build.versions()
    subject = component(root) | {"type": "application", "hashes": [sha256(hashlib.sha256(bootstrap).hexdigest())]}
    libraries = [component(crate) for crate in linked if crate is not root] + toolchain(versions)
    return json.dumps({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "tools": {"components": [{"type": "application", "name": name, "version": version} for name, version in versions.items()]},
            "component": subject,
        },
        "components": libraries,
        "dependencies": [
            {"ref": reference(crate.key), "dependsOn": [reference(key) for key in crate.dependencies if key in inside]} for crate in linked
        ],
    }, indent=1) + "\n"


def component(crate):
    told = {"type": "library", "bom-ref": reference(crate.key), "name": crate.name, "version": crate.version}
    if crate.checksum:
        told["hashes"] = [sha256(crate.checksum)]
    told["licenses"] = [{"expression": crate.licence}]
    if crate.checksum:
        told["purl"] = reference(crate.key)
    return told


def toolchain(versions):
    """What the compilers add and no crate names."""
    return [
        {"type": "library", "bom-ref": "rust-std", "name": "std", "version": versions["rustc"],
         "description": "Rust's standard library", "licenses": [{"expression": "MIT OR Apache-2.0"}]},
        {"type": "library", "bom-ref": "zig-runtime", "name": "zig-runtime", "version": versions["zig"],
         "description": "the compiler's runtime and LLVM's libunwind, as zig brings them",
         "licenses": [{"expression": "MIT AND Apache-2.0 WITH LLVM-exception"}]},
    ]


def reference(key):
    return f"pkg:cargo/{key[0]}@{key[1]}"


def sha256(digest):
    return {"alg": "SHA-256", "content": digest}
