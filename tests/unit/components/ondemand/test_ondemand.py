from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.ondemand.configuration import cluster_settings, ondemand_application, portal_settings
from components.ondemand.ondemand import OpenOnDemand, OpenOnDemandArgs
from components.ondemand.ondemand_spec import OpenOnDemandSpec
from policies.pack import RULES
from tests.conftest import Recorder
from tests.unit.components.judging import manifest_violations, violations
from tests.unit.components.sites import SITE

Build = Callable[[Callable[[], object]], Recorder]

ROOT = Path(__file__).parents[4]
DATA: dict[str, Any] = {
    "host": "ondemand.example.org",
    "image": "registry.example.org/ondemand:4.0.6",
    "oidc": {"clientId": "ood", "clientSecret": "canary-of-the-client"},
    "clusters": {
        "kestrel": {
            "adapter": "slurm",
            "title": "Kestrel",
            "cluster": "kestrel",
            "submitHost": "login.kestrel.example.org",
            "loginHost": "login.kestrel.example.org",
        },
        "cloud": {
            "adapter": "kubernetes",
            "title": "Cloud",
            "server": "https://cloud.example.org:6443",
            "certificateAuthority": "/etc/pki/cloud.pem",
        },
    },
    "apps": ["bc_desktop", "jupyter"],
    "ingress": {"className": "nginx", "tlsSecret": "ondemand-tls", "namespace": "ingress-nginx"},
    "homes": {"size": "10Ti", "storageClass": "cephfs"},
}
SPEC = OpenOnDemandSpec.model_validate_json(json.dumps(DATA))
ARGS = OpenOnDemandArgs(
    spec=SPEC,
    gitlab_url="https://gitlab.example.org",
    site=SITE,
)

# By the portal's reference: https://osc.github.io/ood-documentation/latest/reference/files/ood-portal-yml.html
PORTAL_KEYS = {
    "servername",
    "port",
    "ssl",
    "auth",
    "user_map_match",
    "logout_redirect",
    "oidc_uri",
    "oidc_provider_metadata_url",
    "oidc_client_id",
    "oidc_client_secret",
    "oidc_remote_user_claim",
    "oidc_scope",
    "oidc_session_inactivity_timeout",
    "oidc_session_max_duration",
    "oidc_settings",
}
# By .../latest/installation/resource-manager/{slurm,kubernetes}.html
JOB_KEYS = {
    "slurm": {"adapter", "cluster", "bin", "conf", "submit_host"},
    "kubernetes": {
        "adapter",
        "config_file",
        "cluster",
        "context",
        "bin",
        "namespace_prefix",
        "all_namespaces",
        "auto_supplemental_groups",
        "server",
        "auth",
    },
}


@pytest.fixture
def done(build: Build) -> Recorder:
    return build(lambda: OpenOnDemand("ondemand", ARGS))


def files_of(done: Recorder, name: str) -> dict[str, Any]:
    return {key: yaml.safe_load(text) for key, text in done.named(name).inputs["data"].items()}


def test_the_portal_signs_people_in_through_gitlab(done: Recorder) -> None:
    secret = done.named("ondemand-portal").inputs
    assert secret["metadata"]["name"] == "ondemand-portal"
    portal = yaml.safe_load(secret["stringData"]["value"]["ood_portal.yml"])
    assert portal.keys() <= PORTAL_KEYS
    assert portal["servername"] == "ondemand.example.org"
    assert portal["oidc_provider_metadata_url"] == "https://gitlab.example.org/.well-known/openid-configuration"
    assert (portal["oidc_client_id"], portal["oidc_client_secret"]) == ("ood", "canary-of-the-client")
    assert portal["oidc_settings"]["OIDCRedirectURI"] == "https://ondemand.example.org/oidc"
    assert portal["ssl"] is None, "TLS ends at the ingress"


def test_the_clients_secret_is_in_that_secret_alone(done: Recorder) -> None:
    for each in done.resources:
        if each.token != "kubernetes:core/v1:Secret":
            assert "canary" not in json.dumps(each.inputs, default=str), each.name


def test_each_cluster_has_a_file_with_the_keys_of_its_adapter(done: Recorder) -> None:
    files = files_of(done, "ondemand-clusters")
    assert files.keys() == {"kestrel.yml", "cloud.yml"}
    for content in files.values():
        assert content.keys() == {"v2"}
        assert content["v2"].keys() <= {"metadata", "login", "job"}
        job = content["v2"]["job"]
        assert job.keys() <= JOB_KEYS[job["adapter"]]


def test_a_slurm_cluster_is_reached_over_its_login_host(done: Recorder) -> None:
    kestrel = files_of(done, "ondemand-clusters")["kestrel.yml"]["v2"]
    assert kestrel["login"] == {"host": "login.kestrel.example.org"}
    assert kestrel["job"] == {
        "adapter": "slurm",
        "bin": "/usr/bin",
        "conf": "/etc/slurm/slurm.conf",
        "cluster": "kestrel",
        "submit_host": "login.kestrel.example.org",
    }


def test_a_kubernetes_cluster_gives_each_user_a_namespace(done: Recorder) -> None:
    job = files_of(done, "ondemand-clusters")["cloud.yml"]["v2"]["job"]
    assert job["server"] == {
        "endpoint": "https://cloud.example.org:6443",
        "cert_authority_file": "/etc/pki/cloud.pem",
    }
    assert (job["namespace_prefix"], job["auth"], job["context"]) == ("user-", {"type": "oidc"}, "cloud")


def test_what_is_not_set_is_not_written() -> None:
    data = {**DATA, "clusters": {"small_one": {"adapter": "slurm", "title": "Small"}}}
    spec = OpenOnDemandSpec.model_validate_json(json.dumps(data))
    found = cluster_settings("small_one", spec.clusters["small_one"])["v2"]
    assert "login" not in found
    assert found["job"].keys() == {"adapter", "bin", "conf"}


def test_the_first_page_shows_the_applications_in_their_order(done: Recorder) -> None:
    settings = files_of(done, "ondemand-dashboard")["bighpc.yml"]
    assert settings == {"dashboard_title": "Open OnDemand", "pinned_apps": ["sys/bc_desktop", "sys/jupyter"]}


def test_only_the_ingress_controller_calls_it_and_browsers_do_so_encrypted(done: Recorder) -> None:
    (rule,) = done.named("ondemand-allow-ingress-controller").inputs["spec"]["ingress"]
    labels = rule["from"][0]["namespaceSelector"]["matchLabels"]
    assert labels == {"kubernetes.io/metadata.name": "ingress-nginx"}
    ingress = done.named("ondemand-ingress").inputs
    assert ingress["spec"]["tls"] == [{"hosts": ["ondemand.example.org"], "secretName": "ondemand-tls"}]
    assert ingress["metadata"]["annotations"] == {"pulumi.com/skipAwait": "true"}
    (reached,) = done.named("ondemand-allow-clusters").inputs["spec"]["egress"]
    assert [each["port"] for each in reached["ports"]] == [22, 443, 6443, 6817, 6819]


def test_homes_are_shared_and_kept(done: Recorder) -> None:
    claim = done.named("ondemand-homes").inputs["spec"]
    assert (claim["accessModes"], claim["storageClassName"]) == (["ReadWriteMany"], "cephfs")


def test_the_sites_image_replaces_the_placeholder_of_the_manifests() -> None:
    source = ondemand_application(SPEC, environment="prod", owner="platform").source_in("prod", "prod")
    (image,) = source["kustomize"]["images"]
    name, _, replacement = image.partition("=")
    assert replacement == "registry.example.org/ondemand:4.0.6"
    assert f"image: {name}:" in (ROOT / "environments/applications/ondemand/base/deployment.yaml").read_text()


def test_the_manifests_mount_what_the_component_makes(done: Recorder) -> None:
    deployment = yaml.safe_load((ROOT / "environments/applications/ondemand/base/deployment.yaml").read_text())
    made = {each.inputs["metadata"]["name"] for each in done.resources if "metadata" in each.inputs}
    for volume in deployment["spec"]["template"]["spec"]["volumes"]:
        ((kind, of),) = ((key, value) for key, value in volume.items() if key != "name")
        name = {"secret": "secretName", "configMap": "name", "persistentVolumeClaim": "claimName"}[kind]
        assert of[name] in made


def test_the_policies_find_nothing_in_what_is_declared(done: Recorder) -> None:
    assert violations(done, RULES) == []


def test_the_policies_find_in_the_manifests_what_a_web_server_per_user_takes_and_nothing_else() -> None:
    found = manifest_violations(ROOT / "environments/applications/ondemand/base", RULES)
    assert {each.split(":")[0] for each in found} == {
        "kubernetes-container-no-root",
        "kubernetes-container-no-escalation",
        "kubernetes-container-capabilities-dropped",
        "kubernetes-container-read-only",
    }, found


def test_its_namespace_enforces_what_such_a_pod_still_passes(done: Recorder) -> None:
    labels = done.named("ondemand-namespace").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"


def test_the_secret_is_nowhere_in_a_specs_text() -> None:
    assert "canary" not in repr(SPEC)
    assert "canary" in json.dumps(portal_settings(SPEC, "https://gitlab.example.org"))
