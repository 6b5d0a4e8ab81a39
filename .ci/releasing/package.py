"""Zips that are the same bytes whenever they hold the same files, and the template that deploys them."""

import io
import zipfile

import crates
import dep_section
from places import OUTPUT, WORKSPACE


def with_list(bootstrap, function, parts):
    return dep_section.added(bootstrap, dep_section.content(crates.root(function, parts), parts))


def zipped(bootstrap, notices):
    """What Lambda unpacks. The licences go where the binary goes, as they ask for."""
    return archive({"bootstrap": (0o755, bootstrap), "THIRD-PARTY-LICENCES.txt": (0o644, notices.encode())})


def archive(files):
    """Without anything of the machine: no owner, no extra fields, the earliest time that a zip can hold."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as out:
        for name, (mode, data) in sorted(files.items()):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, also where this is not run on one: the mode counts
            entry.external_attr = (0o100000 | mode) << 16
            out.writestr(entry, data, zipfile.ZIP_DEFLATED, 9)
    return buffer.getvalue()


def templates(arch, functions):
    """The stacks' templates, where each function that was built is its zip. A data plane has two of them."""
    template("template", arch, functions)
    template("data-plane", arch, [function for function in functions if function in ("collect-result", "submit-document")])


def template(name, arch, functions):
    text = (WORKSPACE / f"infra/{name}.yaml").read_text()
    for function in functions:
        text = replaced(text, f"CodeUri: ../target/lambda/{function}/\n", f"CodeUri: {function}-{arch}.zip\n")
    # Zips for one processor under another's default would deploy, and then not start.
    text = replaced(text, "  Architecture:\n    Type: String\n    Default: arm64\n", f"  Architecture:\n    Type: String\n    Default: {arch}\n")
    if "../target/lambda" in text:
        raise ValueError(f"infra/{name}.yaml has another function")
    (OUTPUT / f"{name}-{arch}.yaml").write_text(text)


def replaced(text, old, new):
    if text.count(old) != 1:
        raise ValueError(f"a template should have this once: {old!r}")
    return text.replace(old, new)
