"""Starts hallpass with everything on, validates its OpenAPI document with a public validator, and fuzzes the server by it.

usage: python check.py [EXAMPLES] [SEED]        HALLPASS_BIN names the binary
"""

import json
import os
import re
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate

HERE = Path(__file__).parent
CONFIG = """
environment = "development"
base_url = "http://127.0.0.1:{port}"
[server]
listen = "127.0.0.1:{port}"
[log]
filter = "off"
[rate_limit]
enabled = false
[user.delete_user]
enabled = true
[user.change_email]
enabled = true
[user.additional_fields.nickname]
type = "string"
required = false
[plugins.open_api]
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(folder, port):
    (folder / "hallpass.toml").write_text(CONFIG.format(port=port))
    binary = os.environ.get("HALLPASS_BIN", HERE / "../../target/release/hallpass")
    server = subprocess.Popen([Path(binary).resolve(), "serve"], cwd=folder)
    for _ in range(200):
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz")
            return server
        except OSError:
            time.sleep(0.05)
    server.kill()
    raise SystemExit("hallpass did not come up")


def fuzz(base, document, examples, seed):
    """What schemathesis counted: cases that passed, and cases that failed."""
    options = ["--checks", "not_a_server_error", "--mode", "all", "--phases", "coverage,fuzzing"]
    options += ["--max-examples", str(examples), "--seed", str(seed), "--url", base, "--warnings", "off"]
    environment = {**os.environ, "HALLPASS_BASE": base, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE)}
    program = Path(sys.executable).with_name("st")
    run = subprocess.run([program, "run", document, *options], cwd=HERE, env=environment, capture_output=True, text=True)
    counts = re.search(r"(\d+) generated(?:, (\d+) passed)?", run.stdout)
    if counts is None or run.returncode not in (0, 1):
        raise SystemExit(f"schemathesis did not run:\n{run.stdout}\n{run.stderr}")
    generated, passed = int(counts[1]), int(counts[2] or 0)
    if run.returncode:
        print(run.stdout)
    return passed, max(generated - passed, 0 if run.returncode == 0 else 1)


def main():
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbelow(2**32)
    print(f"  seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        server = start(Path(folder), port)
        try:
            base = f"http://127.0.0.1:{port}/api/auth"
            text = urllib.request.urlopen(f"{base}/open-api/generate-schema").read()
            document = json.loads(text)
            validate(document)
            operations = sum(len(methods) for methods in document["paths"].values())
            print(f"  the document is valid and describes {operations} operations")
            path = Path(folder) / "openapi.json"
            path.write_bytes(text)
            passed, failed = fuzz(base, path, examples, seed)
            failed += 0 if server.poll() is None else 1
        finally:
            server.terminate()
            server.wait()
    print(f"conformance openapi: {passed + failed} steps, {passed} equal, {failed} different")
    raise SystemExit(1 if failed or not passed else 0)


main()
