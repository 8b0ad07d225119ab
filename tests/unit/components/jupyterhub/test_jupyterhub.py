from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pulumi
import pytest
import yaml

from components.argocd.source_spec import OciSource
from components.jupyterhub.configuration import PART, chart_values, hub_secrets, hub_settings, jupyterhub_application
from components.jupyterhub.jupyterhub import JupyterHub, JupyterHubArgs
from components.jupyterhub.jupyterhub_spec import JupyterHubSpec
from components.kubernetes.hardware_spec import HardwareProfileSpec
from policies.pack import RULES
from tests.conftest import Recorder
from tests.unit.components.judging import manifest_violations, violations
from tests.unit.components.sites import SITE

Build = Callable[[Callable[[], object]], Recorder]

ROOT = Path(__file__).parents[4]
MANIFESTS = ROOT / "environments/applications/jupyterhub"
GITLAB = "https://gitlab.example.org"
SECRET = "canary-of-the-client-0123456789abcdef"
IMAGE = "registry.example.org/jupyterlab:4.6.6"
DATA: dict[str, Any] = {
    "url": "https://jupyter.example.org",
    "image": "registry.example.org/jupyterhub:5.5.4",
    "oauth": {"clientId": "hub", "clientSecret": SECRET, "groups": ["bighpc/research"], "admins": ["ada"]},
    "default": "small",
    "profiles": {
        "small": {"title": "Small", "image": IMAGE, "memory": "2Gi"},
        "gpu": {
            "title": "One GPU",
            "image": IMAGE,
            "cores": "4",
            "memory": "8Gi",
            "hardware": "gpu",
            "accelerators": 1,
        },
    },
    "ingress": {"className": "nginx", "tlsSecret": "jupyter-tls", "namespace": "ingress-nginx"},
    "homes": {"size": "10Gi", "storageClass": "cephfs"},
    "database": {"size": "1Gi", "storageClass": "cephfs"},
}
HARDWARE = {
    "gpu": HardwareProfileSpec.model_validate_json(
        json.dumps({"nodes": 2, "cores": 32, "memory": "512Gi", "accelerators": {"count": 8, "model": "a100"}})
    )
}


def spec_of(**changes: Any) -> JupyterHubSpec:
    data = {key: value for key, value in {**DATA, **changes}.items() if value is not None}
    return JupyterHubSpec.model_validate_json(json.dumps(data))


SPEC = spec_of()
ARGS = JupyterHubArgs(
    spec=SPEC,
    hardware=HARDWARE,
    gitlab_url=GITLAB,
    site=SITE,
)


@pytest.fixture
def done(build: Build) -> Recorder:
    return build(lambda: JupyterHub("jupyterhub", ARGS))


def traits(**changes: Any) -> dict[str, dict[str, Any]]:
    return hub_settings(spec_of(**changes), GITLAB, HARDWARE, "dev")


def test_people_sign_in_with_gitlab() -> None:
    found = traits()
    assert found["JupyterHub"]["authenticator_class"] == "gitlab"
    gitlab = found["GitLabOAuthenticator"]
    assert gitlab["authorize_url"] == f"{GITLAB}/oauth/authorize"
    assert gitlab["oauth_callback_url"] == "https://jupyter.example.org/hub/oauth_callback"
    assert (gitlab["allowed_gitlab_groups"], gitlab["allowed_users"]) == (["bighpc/research"], [])
    assert gitlab["admin_users"] == ["ada"]


def test_the_hub_asks_gitlab_for_no_more_than_it_needs() -> None:
    assert traits()["GitLabOAuthenticator"]["scope"] == ["read_api"], "groups are read"
    alone = traits(oauth={"clientId": "hub", "clientSecret": SECRET, "users": ["ada"]})
    assert alone["GitLabOAuthenticator"]["scope"] == ["read_user"]


def test_pods_may_know_gitlab_by_another_address_than_browsers() -> None:
    found = traits(oauth={**DATA["oauth"], "gitlabUrl": "http://gitlab.internal:8080/"})["GitLabOAuthenticator"]
    assert found["gitlab_url"] == "http://gitlab.internal:8080"
    assert found["authorize_url"].startswith(GITLAB)


def test_without_a_default_the_first_by_name_is_chosen() -> None:
    gpu, small = traits(default=None)["KubeSpawner"]["profile_list"]
    assert (gpu["slug"], gpu.get("default"), small.get("default")) == ("gpu", True, None)


def test_the_default_is_first_and_each_says_what_a_server_gets() -> None:
    small, gpu = traits()["KubeSpawner"]["profile_list"]
    assert (small["slug"], small.get("default"), gpu.get("default")) == ("small", True, None)
    assert small["kubespawner_override"] == {
        "image": IMAGE,
        "cpu_limit": 1.0,
        "cpu_guarantee": 1.0,
        "mem_limit": 2 * 1024**3,
        "mem_guarantee": 2 * 1024**3,
    }


def test_a_profile_of_hardware_finds_its_nodes_and_takes_its_accelerators() -> None:
    _, gpu = traits()["KubeSpawner"]["profile_list"]
    override = gpu["kubespawner_override"]
    assert override["node_selector"]
    assert override["tolerations"]
    assert override["extra_resource_limits"] == override["extra_resource_guarantees"] == {"nvidia.com/gpu": "1"}


def test_servers_pass_the_restricted_standard_and_have_no_token() -> None:
    spawner = traits()["KubeSpawner"]
    assert spawner["automount_service_account_token"] is False
    assert spawner["allow_privilege_escalation"] is False
    assert spawner["pod_security_context"]["runAsNonRoot"] is True
    assert spawner["container_security_context"]["readOnlyRootFilesystem"] is True
    assert spawner["container_security_context"]["capabilities"] == {"drop": ["ALL"]}


def test_homes_are_claims_of_each_person_or_end_with_the_server() -> None:
    kept = traits()["KubeSpawner"]
    assert kept["volumes"][0] == {"name": "home", "persistentVolumeClaim": {"claimName": "{pvc_name}"}}
    assert (kept["storage_class"], kept["storage_capacity"]) == ("cephfs", "10Gi")
    passing = traits(homes=None)["KubeSpawner"]
    assert "emptyDir" in passing["volumes"][0]
    assert "storage_class" not in passing


def test_the_hubs_other_secrets_are_made_of_the_clients_and_differ() -> None:
    secrets = hub_secrets(SECRET)
    assert secrets == hub_secrets(SECRET)
    assert len(set(secrets.values())) == 3
    assert secrets["JPY_COOKIE_SECRET"] != hub_secrets(SECRET + "0")["JPY_COOKIE_SECRET"]
    assert len(bytes.fromhex(secrets["JPY_COOKIE_SECRET"])) == 32


def test_the_clients_secret_is_in_one_secret_alone(done: Recorder) -> None:
    for each in done.resources:
        if each.token != "kubernetes:core/v1:Secret":
            assert "canary" not in json.dumps(each.inputs, default=str), each.name
    assert "canary" not in repr(SPEC)
    assert "canary" not in json.dumps(application().source_in("dev", "dev"))
    assert "canary" not in json.dumps(chart_values(SPEC, GITLAB, HARDWARE, "dev"))


def application(spec: JupyterHubSpec = SPEC) -> Any:
    return jupyterhub_application(spec, GITLAB, HARDWARE, environment="dev", owner="platform")


def test_the_sites_image_replaces_the_placeholder_of_the_manifests() -> None:
    (image,) = application().source_in("dev", "dev")["kustomize"]["images"]
    name, _, replacement = image.partition("=")
    assert replacement == "registry.example.org/jupyterhub:5.5.4"
    for file in ("hub", "proxy"):
        assert f"image: {name}:" in (MANIFESTS / f"base/{file}.yaml").read_text()


def test_the_database_is_a_component_of_the_overlay_that_is_there() -> None:
    assert application().source_in("dev", "dev")["kustomize"]["components"] == ["../../components/database"]
    assert (MANIFESTS / "components/database/kustomization.yaml").is_file()
    assert "components" not in application(spec_of(database=None)).source_in("dev", "dev")["kustomize"]


def test_the_hub_starts_anew_when_it_is_told_something_else() -> None:
    def told(**changes: Any) -> str:
        return str(application(spec_of(**changes)).source_in("dev", "dev")["kustomize"]["commonAnnotations"])

    assert told() == told()
    others = {
        told(culling={"idleMinutes": 5}),
        told(homes=None),
        told(oauth={**DATA["oauth"], "clientSecret": "x" * 32}),
    }
    assert len({told(), *others}) == 4


def test_with_the_chart_its_values_say_the_same_and_leave_rights_to_the_program() -> None:
    chart = {"type": "oci", "repository": "oci://registry.example.org/jupyterhub", "version": "4.3.1"}
    spec = spec_of(chart={**chart, "values": {"proxy": {"service": {"type": "LoadBalancer"}}}})
    source = application(spec).source
    assert isinstance(source, OciSource)
    assert source.values["rbac"] == {"create": False}
    assert source.values["hub"]["config"] == hub_settings(spec, GITLAB, HARDWARE, "dev")  # type: ignore[index, call-overload]
    assert source.values["proxy"]["service"] == {"type": "LoadBalancer"}, "the site's own are over ours"  # type: ignore[index, call-overload]


def test_the_hub_may_keep_pods_and_homes_in_its_namespace_and_nothing_else(build: Build) -> None:
    done = build(lambda: JupyterHub("jupyterhub", ARGS))
    (kept, seen) = done.named("jupyterhub-role").inputs["rules"]
    assert kept["resources"] == ["pods", "persistentvolumeclaims"]
    assert (seen["resources"], seen["verbs"]) == (["events"], ["get", "list", "watch"])


def test_without_homes_it_may_not_even_see_claims(build: Build) -> None:
    done = build(lambda: JupyterHub("jupyterhub", replace(ARGS, spec=spec_of(homes=None))))
    assert done.named("jupyterhub-role").inputs["rules"][0]["resources"] == ["pods"]


@pytest.mark.parametrize(("homes", "kept"), [(DATA["homes"], True), (None, None)])
def test_a_namespace_with_peoples_homes_is_not_deleted(build: Build, homes: object, kept: bool | None) -> None:
    protected: dict[str, bool | None] = {}

    def note(made: pulumi.ResourceTransformationArgs) -> None:
        protected[made.name] = made.opts.protect

    options = pulumi.ResourceOptions(transformations=[note])
    build(lambda: JupyterHub("jupyterhub", replace(ARGS, spec=spec_of(homes=homes)), options))
    assert protected["jupyterhub-namespace"] is kept


def selected(done: Recorder, name: str) -> dict[str, Any]:
    spec: dict[str, Any] = done.named(f"jupyterhub-{name}").inputs["spec"]
    return spec


def test_what_people_wrote_reaches_the_hub_and_nothing_else(done: Recorder) -> None:
    (only,) = selected(done, "allow-servers")["egress"]
    assert only["to"][0]["podSelector"]["matchLabels"] == {PART: "hub"}
    assert [each["port"] for each in only["ports"]] == [8081]


def test_sites_may_let_servers_out(build: Build) -> None:
    done = build(lambda: JupyterHub("jupyterhub", replace(ARGS, spec=spec_of(serverPorts=[443]))))
    ports = [each["port"] for rule in selected(done, "allow-servers")["egress"] for each in rule["ports"]]
    assert 443 in ports


def test_browsers_come_through_the_ingress_controller_to_the_proxy_alone(done: Recorder) -> None:
    browsers, hub = selected(done, "allow-proxy")["ingress"]
    assert browsers["from"][0]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert [each["port"] for each in browsers["ports"]] == [8000]
    assert [each["port"] for each in hub["ports"]] == [8001], "only the hub changes routes"
    ingress = done.named("jupyterhub-ingress").inputs["spec"]
    assert ingress["tls"] == [{"hosts": ["jupyter.example.org"], "secretName": "jupyter-tls"}]
    assert ingress["rules"][0]["http"]["paths"][0]["backend"]["service"]["name"] == "proxy-public"


def manifests() -> list[dict[str, Any]]:
    return [
        each for file in ("hub", "proxy") for each in yaml.safe_load_all((MANIFESTS / f"base/{file}.yaml").read_text())
    ]


def test_the_policies_of_the_network_select_the_pods_that_there_are(done: Recorder) -> None:
    pods = [each["spec"]["template"]["metadata"]["labels"] for each in manifests() if each["kind"] == "Deployment"]
    servers = traits()["KubeSpawner"]
    # KubeSpawner's way: what all of its objects have comes last.
    everybody = [*pods, {**servers["extra_labels"], **servers["common_labels"]}]
    for number, name in enumerate(("hub", "proxy", "servers")):
        selector = selected(done, f"allow-{name}")["podSelector"]["matchLabels"].items()
        assert [selector <= each.items() for each in everybody] == [number == each for each in range(3)]


def test_the_charts_pods_are_told_apart_by_the_same_label() -> None:
    values: Any = chart_values(SPEC, GITLAB, HARDWARE, "dev")
    assert (values["hub"]["labels"], values["proxy"]["labels"]) == ({PART: "hub"}, {PART: "proxy"})


def test_the_manifests_mount_what_the_component_makes(done: Recorder) -> None:
    made = {each.inputs["metadata"]["name"] for each in done.resources if "metadata" in each.inputs}
    (hub,) = (each for each in manifests() if each["kind"] == "Deployment" and each["metadata"]["name"] == "hub")
    pod = hub["spec"]["template"]["spec"]
    maps = {each["configMap"]["name"] for each in pod["volumes"] if "configMap" in each}
    assert maps - {"jupyterhub-config"} <= made
    assert pod["containers"][0]["envFrom"][0]["secretRef"]["name"] in made
    assert pod["serviceAccountName"] in made


def test_the_policies_find_nothing_in_what_is_declared_or_in_the_manifests(done: Recorder) -> None:
    assert violations(done, RULES) == []
    assert manifest_violations(MANIFESTS / "base", RULES) == []
