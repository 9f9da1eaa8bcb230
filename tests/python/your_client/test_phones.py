"""Huawei's SDK, as your program uses it, against simulated phones."""

import json
import time

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcph.v1 import *


def set_number(server, phone, number):
    """Stands for your own code: gives a phone a number, and waits for the end of its job."""
    credentials = BasicCredentials(server.ak, server.sk, server.project)
    client = (CphClient.new_builder().with_credentials(credentials)
        .with_endpoint(server.endpoint).build())
    [job] = client.update_cloud_phone_property(UpdateCloudPhonePropertyRequest(
        body=UpdateCloudPhonePropertyRequestBody(phones=[PropertyToUpdate(
            phone_id=phone, _property=json.dumps({"sys.prop.writephonenum": number}))]))).jobs
    while (end := client.show_job(ShowJobRequest(job_id=job.job_id))).status == 1:
        time.sleep(0.1)
    return end


def test_a_healthy_phone_takes_its_number(fleetwright):
    assert set_number(fleetwright, fleetwright.phones[0], "13800000000").status == 2


@pytest.mark.parametrize("fault", ["refuses", "ignores", "wrong-read-back"])
def test_a_phone_that_does_not_take_it_fails_the_job(fleetwright, faults, fault):
    phone = fleetwright.phones[1]
    faults.set(phone, fault)
    end = set_number(fleetwright, phone, "13800000001")
    assert end.status == -1 and end.execute_msg
    faults.clear(phone)
    assert set_number(fleetwright, phone, "13800000002").status == 2


def test_a_phone_that_is_away_fails_the_job_at_its_deadline(fleetwright, faults):
    phone = fleetwright.phones[2]
    faults.set(phone, "away")
    assert set_number(fleetwright, phone, "13800000003").status == -1


def test_a_slow_phone_takes_it_all_the_same(fleetwright, faults):
    phone = fleetwright.phones[3]
    faults.set(phone, {"slow": {"secs": 1, "nanos": 0}})
    assert set_number(fleetwright, phone, "13800000004").status == 2
