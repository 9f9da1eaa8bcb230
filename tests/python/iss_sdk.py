"""Calls with Tencent's unmodified signer (cos-python-sdk-v5, `CosS3Auth`) over `requests`, from
lines of JSON. That pair is the stock client of ISS's XML API, which has no SDK of its own.

The first line of stdin says where and as whom:

    {"endpoint": "http://127.0.0.1:8080", "ak": "...", "sk": "...",
     "sign_host": true, "sign_params": true}

Every further line is one call, answered with one line on stdout:

    {"method": "PUT", "path": "/device", "params": {"projectId": "..."}, "flags": ["transport"],
     "headers": {"Content-Type": "application/xml"}, "body": "<Request>...</Request>"}

    {"status": 200, "headers": {"server": "..."}, "text": "...", "xml": {"Response": {...}}}

`params` go through `requests`, which sends a flag as `name=`; `flags` stand in the address as they
are. `xml` is the body as `xmltodict`, the SDK's own reader, has it; `error` is what the SDK's
exception makes of a refusal. The script never signs or encodes anything itself.
"""

import json
import sys

import requests
import xmltodict
from qcloud_cos import CosConfig
from qcloud_cos.cos_auth import CosS3Auth
from qcloud_cos.cos_exception import CosServiceError

TIMEOUT_SECONDS = 60
EXPIRE_SECONDS = 600


class Client:
    """`requests` with the signer, for the connection that the first line describes."""

    def __init__(self, setup):
        self.endpoint = setup["endpoint"]
        self.config = CosConfig(
            Region="ap-beijing",
            SecretId=setup["ak"],
            SecretKey=setup["sk"],
            Scheme="http",
            SignHost=setup.get("sign_host", True),
            SignParams=setup.get("sign_params", True),
        )
        self.session = requests.Session()
        # A proxy of the machine would decide where the calls go.
        self.session.trust_env = False

    def call(self, call):
        """Makes one call, and tells what came back."""
        path, params, flags = call["path"], call.get("params", {}), call.get("flags", [])
        body = call.get("body")
        signed = {**params, **{flag: "" for flag in flags}}
        answer = self.session.request(
            call["method"],
            self.endpoint + path + ("?" + "&".join(flags) if flags else ""),
            params=params,
            headers=call.get("headers", {}),
            data=None if body is None else body.encode(),
            auth=CosS3Auth(self.config, path, signed, expire=EXPIRE_SECONDS),
            timeout=TIMEOUT_SECONDS,
        )
        answer.encoding = "utf-8"
        return told(call["method"], answer)


def told(method, answer):
    """An answer as data."""
    told = {
        "status": answer.status_code,
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        "sent": answer.request.headers["Authorization"],
        "text": answer.text,
        "xml": xmltodict.parse(answer.text),
    }
    if answer.status_code >= 400:
        error = CosServiceError(method, answer.text, answer.status_code)
        told["error"] = {
            "code": error.get_error_code(),
            "message": error.get_error_msg(),
            "resource": error.get_resource_location(),
            "request_id": error.get_request_id(),
            "trace_id": error.get_trace_id(),
        }
    return told


def main():
    client = Client(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        if line.strip():
            print(json.dumps(client.call(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
