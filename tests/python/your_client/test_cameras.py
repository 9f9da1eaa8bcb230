"""Tencent's signer, as your program uses it, against simulated cameras."""

import time
from xml.etree import ElementTree

import pytest
import requests
from qcloud_cos import CosConfig
from qcloud_cos.cos_auth import CosS3Auth


def call(server, method, path, params=None, body=None):
    """Stands for your own code: a signed call of ISS."""
    config = CosConfig(Region="any", SecretId=server.ak, SecretKey=server.sk)
    answer = requests.request(
        method, server.endpoint + path, params=params, data=body and body.encode(),
        headers={"Content-Type": "application/xml"} if body else {},
        auth=CosS3Auth(config, path, params or {}), timeout=60)
    answer.raise_for_status()
    return ElementTree.fromstring(answer.content)


def rename(server, camera, name):
    """Gives a camera a name; the id of the request, by which the native API knows its job."""
    answer = call(server, "PUT", "/device", body=f"""<Request>
        <Devicelist><Gbid>{camera}</Gbid><Name>{name}</Name>
            <Pwd>{server.camera_password}</Pwd></Devicelist>
        <ProjectId>{server.project}</ProjectId></Request>""")
    assert not answer.findall("FailedDeviceList/Device")
    return answer.findtext("RequestId")


def status(server, camera):
    """OnLine, OffLine or Register."""
    devices = call(server, "GET", "/device", {"projectId": server.project})
    return {device.findtext("Gbid"): device.findtext("Status")
        for device in devices.iter("Device")}[camera]


def until(condition, seconds=60):
    """Waits until a condition holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def test_a_healthy_camera_takes_its_name(fleetwright, jobs_of):
    request = rename(fleetwright, fleetwright.cameras[0], "东门-1")
    until(lambda: jobs_of(request)["succeeded"] == 1)


@pytest.mark.parametrize("fault", ["refuses", "answers-403", "ignores"])
def test_a_camera_that_does_not_take_it_fails_the_job(fleetwright, faults, jobs_of, fault):
    camera = fleetwright.cameras[0]
    faults.set(camera, fault)
    request = rename(fleetwright, camera, f"not-{fault}")
    until(lambda: jobs_of(request)["failed"] == 1)


def test_a_camera_that_falls_silent_is_off_line_until_it_is_back(fleetwright, faults):
    camera = fleetwright.cameras[1]
    assert status(fleetwright, camera) == "OnLine"
    faults.set(camera, "silent")
    until(lambda: status(fleetwright, camera) == "OffLine")
    faults.clear(camera)
    until(lambda: status(fleetwright, camera) == "OnLine")
