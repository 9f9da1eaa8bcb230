"""A GB/T 28181 device that shares no code with Fleetwright: SIP, MD5 digest and MANSCDP by hand,
GB18030 by Python's own codec. Standard library only.

The first line of stdin is what it holds, as JSON; every further line is a call, answered with one
line of JSON on stdout:

    {"id": "34020000001320000001", "password": "...", "host": "127.0.0.1", "port": 5060,
     "transport": "udp", "qop": true, "name": "cam", "expiration": 7200, "interval": 30, "count": 5,
     "silent_to": ["ConfigDownload"], "result": "OK"}

    {"call": "register", "expires": 3600}    challenge and answer; {"status": 200}
    {"call": "held"}                         what it holds
    {"call": "heard"}                        the requests that came: head, body (hex), cmd_type
    {"call": "encode", "text": "..."}        {"hex": "..."}, by the codec gb18030
    {"call": "decode", "hex": "..."}         {"text": "..."}

It answers each MESSAGE with 200 and what it asks with a MESSAGE of its own, worded as the standard's
examples (GB/T 28181-2016, annex J and A.2): order of elements, CRLF, and the label GB2312 over
GB18030 bytes.
"""

import hashlib
import json
import queue
import re
import socket
import sys
import threading
import uuid

SERVER_ID = "34020000002000000001"
DOMAIN = "3402000000"
URI = f"sip:{SERVER_ID}@{DOMAIN}"
DECLARATION = '<?xml version="1.0" encoding="GB2312"?>'
WAIT_SECONDS = 10


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def element(text, name):
    """The text of the first element of this name; none if it is not there."""
    found = re.search(f"<{name}>(.*?)</{name}>", text, re.DOTALL)
    return found and unescaped(found.group(1))


def unescaped(text):
    for entity, char in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("apos", "'"), ("amp", "&")):
        text = text.replace(f"&{entity};", char)
    return text


def escaped(text):
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class Camera:
    def __init__(self, held):
        self.held = {
            "transport": "udp",
            "qop": True,
            "name": "cam",
            "expiration": 7200,
            "interval": 30,
            "count": 5,
            "silent_to": [],
            "result": "OK",
        } | held
        self.heard = []
        self.responses = queue.Queue()
        self.seen = set()
        self.registers = 0
        self.call_id = uuid.uuid4().hex
        server = (held["host"], held["port"])
        if self.held["transport"] == "tcp":
            self.socket = socket.create_connection(server)
        else:
            self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            self.socket.connect(server)
        self.local = "%s:%d" % self.socket.getsockname()
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        """Takes messages until there are no more."""
        stream = b""
        while True:
            data = self.socket.recv(65536)
            if self.held["transport"] == "udp":
                self.take(data)
                continue
            if not data:
                return
            stream += data
            while b"\r\n\r\n" in stream:
                head, rest = stream.split(b"\r\n\r\n", 1)
                length = int(re.search(rb"(?im)^Content-Length: *(\d+)", head).group(1))
                if len(rest) < length:
                    break
                self.take(head + b"\r\n\r\n" + rest[:length])
                stream = rest[length:]

    def take(self, data):
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines[1:])
        if lines[0].startswith("SIP/2.0 "):
            self.responses.put((int(lines[0][8:11]), headers))
            return
        kept = [f"{name}: {headers[name]}" for name in ("Via", "From", "To", "Call-ID", "CSeq")]
        ok = ["SIP/2.0 200 OK", *kept, "Content-Length: 0", "", ""]
        self.socket.send("\r\n".join(ok).encode())
        # A repetition of a request (RFC 3261, 17.2.2) is answered, and not done again.
        if headers["Via"] in self.seen:
            return
        self.seen.add(headers["Via"])
        text = body.decode("gb18030")
        cmd_type = element(text, "CmdType")
        self.heard.append({"head": head.decode(), "body": body.hex(), "cmd_type": cmd_type})
        if cmd_type not in self.held["silent_to"]:
            self.answer(cmd_type, element(text, "SN"), element(text, "DeviceID"), text)

    def answer(self, cmd_type, sn, device_id, text):
        """What the device says to a command."""
        held = self.held
        lines = [f"<CmdType>{cmd_type}</CmdType>", f"<SN>{sn}</SN>"]
        lines.append(f"<DeviceID>{device_id}</DeviceID>")
        result = f"<Result>{held['result']}</Result>"
        if cmd_type == "DeviceConfig":
            if held["result"] == "OK":
                self.configure(text.split("<BasicParam>", 1)[1])
            lines.append(result)
        elif cmd_type == "ConfigDownload":
            lines += [
                "<Result>OK</Result>",
                "<BasicParam>",
                f"<Name>{escaped(held['name'])}</Name>",
                f"<Expiration>{held['expiration']}</Expiration>",
                f"<HeartBeatInterval>{held['interval']}</HeartBeatInterval>",
                f"<HeartBeatCount>{held['count']}</HeartBeatCount>",
                "<PositionCapability>0</PositionCapability>",
                "<Longitude>0</Longitude>",
                "<Latitude>0</Latitude>",
                "</BasicParam>",
            ]
        elif cmd_type == "DeviceInfo":
            lines += [
                f"<DeviceName>{escaped(held['name'])}</DeviceName>",
                "<Result>OK</Result>",
                "<Manufacturer>ExampleCam</Manufacturer>",
                "<Model>EC-200</Model>",
                "<Firmware>V1.2.3</Firmware>",
                "<Channel>1</Channel>",
            ]
        elif cmd_type == "Catalog":
            lines += [
                "<SumNum>1</SumNum>",
                '<DeviceList Num="1">',
                "<Item>",
                f"<DeviceID>{device_id[:10]}131{device_id[13:]}</DeviceID>",
                f"<Name>{escaped(held['name'])}</Name>",
                "<Manufacturer>ExampleCam</Manufacturer>",
                "<Model>EC-200</Model>",
                "<Owner>0</Owner>",
                "<CivilCode>340200</CivilCode>",
                "<Address>gate</Address>",
                "<Parental>0</Parental>",
                f"<ParentID>{device_id}</ParentID>",
                "<SafetyWay>0</SafetyWay>",
                "<RegisterWay>1</RegisterWay>",
                "<Secrecy>0</Secrecy>",
                "<Status>ON</Status>",
                "</Item>",
                "</DeviceList>",
            ]
        elif cmd_type == "DeviceStatus":
            lines += ["<Result>OK</Result>", "<Online>ONLINE</Online>", "<Status>OK</Status>"]
        else:
            return
        body = "\r\n".join([DECLARATION, "<Response>", *lines, "</Response>", ""])
        self.message(body.encode("gb18030"))

    def configure(self, text):
        """Takes what a BasicParam sets."""
        name = element(text, "Name")
        if name is not None:
            self.held["name"] = name
        for key, tag in (
            ("expiration", "Expiration"),
            ("interval", "HeartBeatInterval"),
            ("count", "HeartBeatCount"),
        ):
            value = element(text, tag)
            if value is not None:
                self.held[key] = int(value)

    def head(self, method, to, call_id, sequence, more):
        """A request without its body."""
        transport, me = self.held["transport"].upper(), f"sip:{self.held['id']}@{DOMAIN}"
        lines = [
            f"{method} {URI} SIP/2.0",
            f"Via: SIP/2.0/{transport} {self.local};rport;branch=z9hG4bK{uuid.uuid4().hex}",
            f"From: <{me}>;tag=d1",
            f"To: <{to}>",
            f"Call-ID: {call_id}",
            f"CSeq: {sequence} {method}",
            "Max-Forwards: 70",
            *more,
            "",
            "",
        ]
        return "\r\n".join(lines).encode()

    def message(self, body):
        more = ["Content-Type: Application/MANSCDP+xml", f"Content-Length: {len(body)}"]
        self.socket.send(self.head("MESSAGE", URI, uuid.uuid4().hex, 20, more) + body)

    def register(self, expires):
        """Registers, or takes itself off; the last status."""
        more = [f"Contact: <sip:{self.held['id']}@{self.local}>", f"Expires: {expires}"]
        status, headers = self.ask(more)
        if status != 401:
            return status
        challenge = dict(re.findall(r'(\w+)="?([^",]*)', headers["WWW-Authenticate"]))
        return self.ask([self.authorization(challenge), *more])[0]

    def ask(self, more):
        """Sends a REGISTER; the status and the headers of its answer."""
        self.registers += 1
        me, more = f"sip:{self.held['id']}@{DOMAIN}", [*more, "Content-Length: 0"]
        self.socket.send(self.head("REGISTER", me, self.call_id, self.registers, more))
        while True:
            status, headers = self.responses.get(timeout=WAIT_SECONDS)
            if headers["CSeq"] == f"{self.registers} REGISTER":
                return status, headers

    def authorization(self, challenge):
        user, realm, nonce = self.held["id"], challenge["realm"], challenge["nonce"]
        secret = md5(f"{user}:{realm}:{self.held['password']}")
        what = md5(f"REGISTER:{URI}")
        parts = f'username="{user}",realm="{realm}",nonce="{nonce}",uri="{URI}"'
        if self.held["qop"]:
            cnonce = uuid.uuid4().hex[:8]
            digest = md5(f"{secret}:{nonce}:00000001:{cnonce}:auth:{what}")
            parts += f',qop=auth,nc=00000001,cnonce="{cnonce}"'
        else:
            digest = md5(f"{secret}:{nonce}:{what}")
        return f'Authorization: Digest {parts},response="{digest}",algorithm=MD5'


def answer(camera, call):
    if call["call"] == "register":
        return {"status": camera.register(call["expires"])}
    if call["call"] == "held":
        return camera.held
    if call["call"] == "heard":
        return {"heard": camera.heard}
    if call["call"] == "encode":
        return {"hex": call["text"].encode("gb18030").hex()}
    if call["call"] == "decode":
        return {"text": bytes.fromhex(call["hex"]).decode("gb18030")}
    raise ValueError(call)


def main():
    camera = Camera(json.loads(sys.stdin.readline()))
    for line in sys.stdin:
        print(json.dumps(answer(camera, json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
