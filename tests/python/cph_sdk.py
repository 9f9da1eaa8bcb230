"""Drives Huawei's unmodified CPH SDK (huaweicloudsdkcph) from lines of JSON.

The first line of stdin says where and as whom, and may hold calls:

    {"endpoint": "http://127.0.0.1:8080", "ca_cert": null, "ak": "...", "sk": "...",
     "project_id": "...", "calls": [{"call": "show_job", "args": {"job_id": "..."}}]}

Every further line is one more call. Each call answers with one line on stdout: the response as
the SDK's model read it, under the names of the wire; or, where the SDK raised, its exception:

    {"exception": "ClientRequestException", "status_code": 403, "error_code": "CPS.0001",
     "error_msg": "...", "request_id": "..."}

`call` is a method of the SDK's CphClient, `args` its request under the names of the wire (path
and query parameters, and `body`). Request classes are looked up by name, so every call of the SDK
works here. The script never sends or reads a byte itself: what passes is the SDK's own doing.
"""

import json
import re
import sys

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import SdkException
from huaweicloudsdkcore.http.http_config import HttpConfig
from huaweicloudsdkcph import v1 as cph

# The SDK waits 60 s to connect and 120 s to read unless told; a test should not.
CONNECT_SECONDS, READ_SECONDS = 10, 60


def client_for(setup):
    """The SDK's client for the connection that the first line describes."""
    config = HttpConfig.get_default_config()
    config.timeout = (CONNECT_SECONDS, READ_SECONDS)
    if setup.get("ca_cert"):
        config.ssl_ca_cert = setup["ca_cert"]
    credentials = BasicCredentials(setup["ak"], setup["sk"], setup["project_id"])
    return (
        cph.CphClient.new_builder()
        .with_http_config(config)
        .with_credentials(credentials)
        .with_endpoint(setup["endpoint"])
        .build()
    )


def to_model(type_name, value):
    """`value`, as on the wire, as the SDK's type `type_name` ("str", "list[Tag]", "Tag", ...)."""
    if value is None:
        return None
    listed = re.fullmatch(r"list\[(.+)\]", type_name)
    if listed:
        return [to_model(listed[1], item) for item in value]
    mapped = re.fullmatch(r"dict\(\w+, ?(.+)\)", type_name)
    if mapped:
        return {key: to_model(mapped[1], item) for key, item in value.items()}
    model = getattr(cph, type_name, None)
    # Plain types go through as they are, so that a test can send a wrong one.
    return value if model is None else new_model(model, value)


def new_model(model, fields):
    """An object of the SDK's class `model` from a dict under the names of the wire."""
    attribute_of = {wire: attribute for attribute, wire in model.attribute_map.items()}
    unknown = sorted(fields.keys() - attribute_of.keys())
    if unknown:
        raise KeyError(f"{model.__name__} of the SDK has no {', '.join(unknown)}")
    attributes = {attribute_of[wire]: value for wire, value in fields.items()}
    return model(**{a: to_model(model.openapi_types[a], v) for a, v in attributes.items()})


def to_wire(value):
    """A model of the SDK as plain data under the names of the wire, absent fields left out."""
    if isinstance(value, list):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    if hasattr(value, "attribute_map"):
        pairs = ((wire, getattr(value, a)) for a, wire in value.attribute_map.items())
        return {wire: to_wire(item) for wire, item in pairs if item is not None}
    return value


def answer(client, call, args):
    """What the SDK makes of one call: its response, or the exception that it raised."""
    class_name = "".join(part.capitalize() for part in call.split("_")) + "Request"
    request = new_model(getattr(cph, class_name), args)
    try:
        return to_wire(getattr(client, call)(request))
    except SdkException as refused:
        fields = ("status_code", "error_code", "error_msg", "request_id")
        return {
            "exception": type(refused).__name__,
            **{name: getattr(refused, name, None) for name in fields},
        }


def main():
    setup = json.loads(sys.stdin.readline())
    client = client_for(setup)
    for call in setup.get("calls", []):
        print(json.dumps(answer(client, call["call"], call.get("args", {}))), flush=True)
    for line in sys.stdin:
        if line.strip():
            call = json.loads(line)
            print(json.dumps(answer(client, call["call"], call.get("args", {}))), flush=True)


if __name__ == "__main__":
    main()
