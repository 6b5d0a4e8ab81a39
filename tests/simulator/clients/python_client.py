"""Checks the simulator with the vendor's published Python client.

Needs Python 3, cargo and PyPI; everything it installs or writes is under `target/`.
It builds and starts the simulator on a free port, makes a tenant and an application as the organization would,
runs `check_python_client.py` in a virtual environment with the client, and ends with 0 or 1.
"""

import json
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
WORK = ROOT / "target" / "python-client"
REQUIREMENTS = HERE / "requirements.txt"
CELL = "eu-1"


def environment():
    """The virtual environment's Python; made anew when the requirements have changed."""
    venv, stamp = WORK / "venv", WORK / "installed.txt"
    python = venv / "bin" / "python"
    wanted = REQUIREMENTS.read_text()
    if not (python.exists() and stamp.exists() and stamp.read_text() == wanted):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(venv)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, "-r", str(REQUIREMENTS)], check=True)
        stamp.write_text(wanted)
    return str(python)


def start_simulator():
    """Builds and starts it; returns the process and what it printed, by name."""
    subprocess.run(["cargo", "build", "--quiet", "--bin", "simulator"], cwd=ROOT, check=True)
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target"))
    command = [str(target / "debug" / "simulator"), "--port", "0", "--directory", str(WORK)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    facts = {}
    for line in process.stdout:
        if line.strip() == "ready":
            return process, facts
        name, value = line.rstrip("\n").split("  ", 1)
        facts[name.strip()] = value.strip()
    sys.exit(f"the simulator ended with {process.wait()}")


def inside(command, **variables):
    """Runs a command of the virtual environment, past any proxy."""
    return subprocess.run(command, env={**os.environ, "NO_PROXY": "127.0.0.1", **variables}, stdout=subprocess.PIPE, text=True)


def make(base, client_id, key_file, token_url):
    """As the organization: a tenant and an application with a secret. Runs inside the environment."""
    import time
    import uuid

    import jwt
    import requests

    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": token_url, "iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, pathlib.Path(key_file).read_bytes(), algorithm="RS256"),
        "scope": "tenants.write tenants.applications.write",
    }
    session = requests.Session()

    def post(path, **body):
        answer = session.post(path, timeout=10, **body)
        answer.raise_for_status()
        return answer.json()

    session.headers["Authorization"] = "Bearer " + post(token_url, data=form)["access_token"]
    tenants = f"{base}/tenants-api/v0/tenants"
    tenant = post(tenants, json={"name": "pythonclient"})["id"]
    scopes = ["documents.submissions.read", "documents.submissions.write"]
    asked = {"cell": CELL, "scopes": scopes, "auth_method": {"type": "CLIENT_SECRET"}}
    print(json.dumps(post(f"{tenants}/{tenant}/applications", json=asked)))


def main():
    if sys.argv[1:2] == ["--make"]:
        return make(*sys.argv[2:])
    WORK.mkdir(parents=True, exist_ok=True)
    python = environment()
    process, facts = start_simulator()
    try:
        base = facts["base URL"]
        organization = [facts[f"organization {name}"] for name in ("client id", "key", "token URL")]
        made = inside([python, __file__, "--make", base, *organization])
        if made.returncode != 0:
            return 1
        application = json.loads(made.stdout)
        check = [python, str(HERE / "check_python_client.py"), "--base-url", base, "--cell", CELL]
        check += ["--token-url", application["_links"]["token_url"], "--client-id", application["client_id"]]
        checked = inside(check, CLIENT_SECRET=application["credentials"]["client_secret"])
        sys.stdout.write(checked.stdout)
    finally:
        process.terminate()
        process.wait()
    print("the vendor's client and the simulator " + ("agree" if checked.returncode == 0 else "disagree"))
    return min(checked.returncode, 1)


if __name__ == "__main__":
    sys.exit(main())
