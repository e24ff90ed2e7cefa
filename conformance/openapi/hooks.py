"""Gives schemathesis a caller whose session is alive, although the requests it makes end sessions all the time."""

import json
import os
import secrets
import urllib.request

import schemathesis

BASE = os.environ["HALLPASS_BASE"]


@schemathesis.auth(refresh_interval=1)
class FreshCaller:
    def get(self, case, context):
        body = {"name": "Ann", "email": f"{secrets.token_hex(8)}@example.com", "password": "correct horse"}
        request = urllib.request.Request(
            f"{BASE}/sign-up/email", json.dumps(body).encode(), {"content-type": "application/json"}
        )
        with urllib.request.urlopen(request) as response:
            return response.headers["set-auth-token"]

    def set(self, case, data, context):
        case.headers = {**(case.headers or {}), "authorization": f"Bearer {data}", "origin": BASE.split("/api/")[0]}
