from __future__ import annotations

from policies.rules import volume_no_host_path
from tests.unit.policies.battery import Battery
from tests.unit.policies.samples import LABELS, UNKNOWN


class TestVolumeNoHostPath(Battery):
    rule = volume_no_host_path.RULE
    resource_type = "kubernetes:core/v1:PersistentVolume"
    good = ({"spec": {"nfs": {"server": "nfs.example", "path": "/"}}},)
    bad = (({"metadata": {"name": "disk", "labels": LABELS}, "spec": {"hostPath": {"path": "/"}}}, "a hostPath"),)
    unknown = ({"spec": {"hostPath": UNKNOWN}},)
