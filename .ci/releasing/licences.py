"""The notices of everything that a function links, from the crates' own files."""

import hashlib
import re

from places import WORKSPACE

# AWS-LC keeps the licences of what it took over where that lies; others have theirs at the top.
FILES = re.compile(r"(licen[cs]e|copying|unlicense|notice|copyright)", re.IGNORECASE)
CODE = {".rs", ".c", ".h", ".go", ".py", ".toml", ".json", ".html"}

MIT = """\
Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation
the rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and
to permit persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of
the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO
THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF
CONTRACT, TORT OR OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS
IN THE SOFTWARE.
"""

TOOLCHAIN = """\
Rust's standard library (MIT OR Apache-2.0, copyright The Rust Project Contributors) is used under Apache-2.0.
The compiler's runtime that zig brings is MIT, copyright Zig contributors; LLVM's libunwind is Apache-2.0 WITH LLVM-exception.
"""


class Unlicensed(ValueError):
    """A crate whose terms nobody could pass on."""


def text(parts):
    """A list of the crates, then each text once with the crates that have it."""
    theirs = [crate for crate in parts if crate.linked and crate.checksum]
    texts = {}
    for crate in theirs:
        for notice in notices(crate):
            texts.setdefault(notice, []).append(f"{crate.name} {crate.version}")
    texts.setdefault(apache(), []).append("Rust's standard library")
    head = "".join(f"{crate.name} {crate.version}: {crate.licence}\n" for crate in theirs)
    bodies = sorted(texts.items(), key=lambda item: (item[1], hashlib.sha256(item[0].encode()).hexdigest()))
    return "\n".join([head, TOOLCHAIN] + [f"{'=' * 100}\n{', '.join(names)}\n{'=' * 100}\n\n{body}" for body, names in bodies])


def notices(crate):
    found = [path for path in sorted(crate.directory.rglob("*"))
             if path.is_file() and FILES.match(path.name) and path.suffix not in CODE]
    if found:
        return list(dict.fromkeys(path.read_text(errors="replace").replace("\r\n", "\n") for path in found))
    if "Apache-2.0" in crate.licence:
        return [apache()]
    if crate.licence == "MIT":
        return [f"Copyright (c) the authors of {crate.name}\n\n{MIT}"]
    raise Unlicensed(f"{crate.name} {crate.version} ({crate.licence}) has no file with its terms")


def apache():
    return (WORKSPACE / "LICENSE").read_text()
