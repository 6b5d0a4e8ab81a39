"""The list of dependencies in a binary, as cargo-auditable puts it there and scanners look for it.

cargo-auditable itself stands between cargo and rustc, where cargo-lambda has put zig already, and is to
be had as source only. Its format is public (section `.dep-v0`: JSON, compressed by zlib), and a section
that is not loaded can be added to a binary that is linked.
"""

import json
import struct
import zlib

NAME = b".dep-v0\0"
HEADER = struct.Struct("<16sHHIQQQIHHHHHH")  # Elf64_Ehdr
SECTION = struct.Struct("<IIQQQQIIQQ")  # Elf64_Shdr
PROGBITS = 1


def content(root, crates):
    """`packages` of the format: indices instead of names, `build` for what is not linked."""
    place = {crate.key: index for index, crate in enumerate(crates)}
    packages = []
    for crate in crates:
        package = {"name": crate.name, "version": crate.version, "source": "crates.io" if crate.checksum else "local"}
        if not crate.linked:
            package["kind"] = "build"
        if crate.dependencies:
            package["dependencies"] = sorted(place[key] for key in crate.dependencies)
        if crate is root:
            package["root"] = True
        packages.append(package)
    return zlib.compress(json.dumps({"packages": packages}, separators=(",", ":")).encode(), 9)


def added(binary, data):
    """The ELF file with the section at its end; nothing that is loaded moves."""
    head = list(HEADER.unpack_from(binary))
    if head[0][:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a little-endian 64-bit ELF file")
    sections = [list(SECTION.unpack_from(binary, head[6] + index * SECTION.size)) for index in range(head[12])]
    table = sections[head[13]]
    names = binary[table[4]:table[4] + table[5]]
    if NAME in names:
        raise ValueError("there is a section .dep-v0 already")
    sections.append([len(names), PROGBITS, 0, 0, len(binary), len(data), 0, 0, 1, 0])
    table[4], table[5] = len(binary) + len(data), len(names) + len(NAME)
    out = binary + data + names + NAME
    out += b"\0" * (-len(out) % 8)
    head[6], head[12] = len(out), len(sections)
    return HEADER.pack(*head) + out[HEADER.size:] + b"".join(SECTION.pack(*section) for section in sections)
