"""What the release stands on, without building anything: `.ci/run release` runs these first."""

import contextlib
import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
import zlib
from unittest import mock

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

import bill
import build
import crates
import dep_section
import licences
import package
import verify


def crate(name, *, linked=True, dependencies=(), licence="MIT", directory="/nowhere", checksum="00"):
    return crates.Crate(name, "1.0.0", pathlib.Path(directory), licence, checksum, linked, dependencies)


class Zips(unittest.TestCase):
    def test_the_order_and_the_time_do_not_count(self):
        one = package.archive({"a": (0o644, b"1"), "bootstrap": (0o755, b"2")})
        os.environ["TZ"] = "Asia/Tokyo"
        self.assertEqual(one, package.archive({"bootstrap": (0o755, b"2"), "a": (0o644, b"1")}))
        self.assertNotEqual(one, package.archive({"bootstrap": (0o644, b"2"), "a": (0o644, b"1")}))

    def test_what_is_unpacked_can_be_run(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, "x.zip")
            path.write_bytes(package.zipped(b"#!/bin/sh\nexit 7\n", "notices"))
            entry = zipfile.ZipFile(path).getinfo("bootstrap")
            self.assertEqual(entry.external_attr >> 16, 0o100755)

    def test_both_templates_name_zips_only(self):
        with tempfile.TemporaryDirectory() as directory:
            package.OUTPUT = pathlib.Path(directory)
            functions = ["collect-result", "offboard-customer", "onboard-customer", "reconcile-tenants", "rotate-secret", "submit-document"]
            package.templates("x86_64", functions)
            for name, zips in (("template", 6), ("data-plane", 2)):
                text = pathlib.Path(directory, f"{name}-x86_64.yaml").read_text()
                self.assertEqual(text.count("-x86_64.zip"), zips)

    def test_a_template_of_another_form_is_refused(self):
        with self.assertRaises(ValueError):
            package.replaced("CodeUri: x\nCodeUri: x\n", "CodeUri: x\n", "")


class DependencyList(unittest.TestCase):
    def setUp(self):
        self.root = crate("f", dependencies=(("a", "1.0.0"), ("m", "1.0.0")), checksum=None)
        self.parts = [crate("a"), self.root, crate("m", linked=False)]
        self.data = dep_section.content(self.root, self.parts)

    def test_the_list_has_the_published_form(self):
        self.assertEqual(json.loads(zlib.decompress(self.data)), {"packages": [
            {"name": "a", "version": "1.0.0", "source": "crates.io"},
            {"name": "f", "version": "1.0.0", "source": "local", "dependencies": [0, 2], "root": True},
            {"name": "m", "version": "1.0.0", "source": "crates.io", "kind": "build"}]})

    def test_a_program_still_runs_with_it_and_has_it_once(self):
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(shutil.copy(shutil.which("true"), directory))
            path.write_bytes(dep_section.added(path.read_bytes(), self.data))
            subprocess.run([path], check=True)
            with self.assertRaises(ValueError):
                dep_section.added(path.read_bytes(), self.data)

    def test_what_is_no_such_file_is_refused(self):
        with self.assertRaises(ValueError):
            dep_section.added(b"\0" * 100, self.data)


class Bill(unittest.TestCase):
    def test_the_bill_has_the_form_of_its_standard_and_what_is_linked(self):
        root = crate("f", dependencies=(("a", "1.0.0"), ("m", "1.0.0")), checksum=None)
        told = bill.of_materials("f", [crate("a", checksum="0" * 64), root, crate("m", linked=False)], b"")
        standard = JsonStrictValidator(SchemaVersion.V1_6)
        self.assertIsNone(standard.validate_str(told))
        self.assertIsNotNone(standard.validate_str(told.replace('"SHA-256"', '"SHA-2"')))
        told = json.loads(told)
        self.assertEqual([part["name"] for part in told["components"]], ["a", "std", "zig-runtime"])
        self.assertEqual(told["dependencies"][1], {"ref": "pkg:cargo/f@1.0.0", "dependsOn": ["pkg:cargo/a@1.0.0"]})


class Crates(unittest.TestCase):
    def test_a_tree_is_read_with_its_repeats(self):
        keys, needs = crates.parse(["0 f v0.1.0 (/x)", "1 a v1.0.0", "2 b v2.0.0+x (proc-macro)", "1 b v2.0.0+x (*)", "1 c v3.0.0"])
        f, a, b, c = ("f", "0.1.0"), ("a", "1.0.0"), ("b", "2.0.0+x"), ("c", "3.0.0")
        self.assertEqual((keys, needs), ({f, a, b, c}, {f: {a, b, c}, a: {b}, b: set(), c: set()}))

    def test_every_linked_crate_has_terms_and_a_checksum(self):
        parts = crates.of("rotate-secret", "x86_64-unknown-linux-gnu")
        linked = [part for part in parts if part.linked]
        self.assertTrue(all(part.licence for part in linked))
        self.assertEqual({part.name for part in linked if not part.checksum} & {"tokio", "simulator", "laboratory"}, set())
        told = licences.text(parts)
        self.assertTrue(all(f"{part.name} {part.version}: " in told for part in linked if part.checksum))

    def test_a_crate_without_terms_is_refused(self):
        with tempfile.TemporaryDirectory() as directory, self.assertRaises(licences.Unlicensed):
            licences.notices(crate("a", licence="Zlib", directory=directory))


class Verification(unittest.TestCase):
    """Without the builds: what is made of the two binaries."""

    def code(self, *binaries):
        root = crate("f", checksum=None)
        with mock.patch.object(verify, "place", lambda directory: build.Place(directory, directory, directory)), \
                mock.patch.object(verify, "quietly", lambda function, arch, where: binaries["a-second" in str(where.source)]), \
                mock.patch.object(crates, "of", lambda function, target: [root]), contextlib.redirect_stdout(io.StringIO()) as told:
            code = verify.twice("f", "x86_64")
        self.assertEqual("DIFFERENT" in told.getvalue(), code != 0)
        return code

    def test_one_byte_that_differs_is_a_failure(self):
        binary = pathlib.Path(shutil.which("true")).read_bytes()
        middle = len(binary) // 2
        other = binary[:middle] + bytes([binary[middle] ^ 1]) + binary[middle + 1:]
        self.assertEqual((self.code(binary, binary), self.code(binary, other)), (0, 1))


class Paths(unittest.TestCase):
    def test_a_path_of_this_machine_is_refused(self):
        here = build.Place.here()
        build.refuse_paths(b"/-source/x.rs /-cargo/registry", here)
        for path in (here.source, here.cargo_home, here.output, pathlib.Path.home()):
            with self.assertRaises(build.Failed):
                build.refuse_paths(f"\0{path}/x.rs\0".encode(), here)

    def test_what_would_meddle_does_not_reach_the_compilers(self):
        os.environ |= {"RUSTFLAGS": "-Cdebuginfo=2", "CARGO_PROFILE_RELEASE_LTO": "off", "CFLAGS_x86_64_unknown_linux_gnu": "-O0"}
        given = build.environment("x86_64", build.Place.here())
        self.assertFalse({"RUSTFLAGS", "CARGO_PROFILE_RELEASE_LTO", "CFLAGS_x86_64_unknown_linux_gnu"} & set(given))


if __name__ == "__main__":
    unittest.main()
