"""The policies under the real engine: what they find, what they put right, and that nobody gets around them."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import dedent

import pytest
from pulumi_policy import EnforcementLevel

from tests.integration.policy_program import PACK, declare, judge, showcases, stack_showcases, workspace
from tests.integration.pulumi_workspace import Workspace
from tests.unit.policies import samples
from tests.unit.policies import stack_battery as stack
from tests.unit.policies.samples import having
from tests.unit.policies.stack_battery import Declared, changed
from tests.unit.policies.test_pack import RESOURCE_RULES

pytestmark = pytest.mark.integration

PREVIEW = ("preview", "--stack", "dev")
UP = ("up", "--yes", "--skip-preview", "--stack", "dev")
PRIVILEGED = having(dict(samples.NAMESPACE), {f"metadata labels {samples.ENFORCE}": "privileged"})
POD_SECURITY = "kubernetes-namespace-pod-security"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A project whose providers accept everything."""
    return workspace(tmp_path_factory.mktemp("policies"))


def test_every_rule_finds_the_one_resource_that_breaks_it(project: Workspace) -> None:
    declare(project, showcases())
    judged = judge(project, *PREVIEW, code=1)
    assert sorted(judged.found + judged.repaired) == sorted((rule.name, rule.name) for rule in RESOURCE_RULES)
    repairing = {rule.name for rule in RESOURCE_RULES if rule.levels.dev is EnforcementLevel.REMEDIATE}
    assert {name for name, _ in judged.repaired} == repairing - {"gitlab-variable-secret-masked"}, (
        "that one is too short"
    )


def test_every_rule_over_the_stack_finds_what_breaks_it(project: Workspace) -> None:
    resources, expected = stack_showcases()
    declare(project, resources)
    assert judge(project, *PREVIEW, code=1).found == expected


def test_a_good_stack_passes_and_what_it_lacks_as_a_whole_is_named(project: Workspace) -> None:
    declare(project, stack.ENVIRONMENT)
    assert judge(project, *PREVIEW, code=0).found == []
    declare(project, stack.without(stack.AGENT, stack.STACK))
    judged = judge(project, *PREVIEW, code=1)
    assert [rule for rule, _ in judged.found] == ["stack-environment-agent", "stack-environment-operator"]


def test_what_is_put_right_is_deployed_that_way(project: Workspace) -> None:
    declare(project, [changed(stack.HOOK, {"enableSslVerification": False})])
    judged = judge(project, *UP, code=0)
    assert judged.repaired == [("gitlab-hook-tls-verified", "hook")]
    exported = json.loads(project.run("stack", "export", "--stack", "dev"))
    (hook,) = (each for each in exported["deployment"]["resources"] if each["type"] == stack.HOOK.token)
    assert hook["inputs"]["enableSslVerification"] is True
    assert "ciphertext" in hook["inputs"]["token"]


def test_no_secret_is_printed(project: Workspace) -> None:
    declare(project, showcases())
    output = project.run(*PREVIEW, *PACK, code=1)
    assert "gitlab-hook-has-token" in output
    assert "canary" not in output
    # What the engine tells other programs about the violations, such as a review.
    assert "canary" not in judge(project, *PREVIEW, code=1).text


def test_recorded_state_is_judged_without_the_program(project: Workspace) -> None:
    declare(project, [Declared(token=stack.NAMESPACE.token, name="loose", props=PRIVILEGED)])
    project.run(*UP)
    output = project.run("policy", "analyze", "--stack", "dev", *PACK, code=1)
    assert POD_SECURITY in output
    assert "stack-namespace-default-deny" in output


def test_a_forbidden_resource_does_not_get_in_by_an_alias_an_import_or_an_ignored_change(project: Workspace) -> None:
    loose = [Declared(token=stack.NAMESPACE.token, name="loose", props=PRIVILEGED)]
    ways = (
        {"aliases": ["urn:pulumi:dev::test::kubernetes:core/v1:Namespace::harmless"]},
        {"import_": "somebody-elses"},
        {"ignore_changes": ["metadata"]},
        {"additional_secret_outputs": ["metadata"]},
    )
    for way in ways:
        declare(project, loose, **way)
        assert (POD_SECURITY, "loose") in judge(project, *PREVIEW, code=1).found, way


def test_a_patch_and_an_older_version_of_an_api_are_judged_too(project: Workspace) -> None:
    privileged = samples.with_container({"securityContext privileged": True})
    for token in ("kubernetes:apps/v1:DeploymentPatch", "kubernetes:apps/v1beta2:Deployment"):
        declare(project, [Declared(token=token, name="loose", props=privileged)])
        assert judge(project, *PREVIEW, code=1).found == [("kubernetes-container-not-privileged", "loose")], token


@pytest.mark.parametrize("level", ["advisory", "disabled"])
def test_a_configuration_that_weakens_a_rule_is_refused_in_production(
    project: Workspace, tmp_path: Path, level: str
) -> None:
    if "prod" not in project.run("stack", "ls"):
        project.run("stack", "init", "prod")
    configuration = tmp_path / "weaker.json"
    configuration.write_text(json.dumps({POD_SECURITY: level}))
    declare(project, [])
    weaker = (*PACK, "--policy-pack-config", str(configuration))
    output = project.run("preview", "--stack", "prod", *weaker, code=1)
    assert f"{POD_SECURITY} (mandatory, configured as {level})" in output
    project.run("preview", "--stack", "dev", *weaker)


@pytest.mark.parametrize("days", [366, 0])
def test_a_configuration_outside_of_a_rules_bounds_is_refused(project: Workspace, tmp_path: Path, days: int) -> None:
    configuration = tmp_path / "longer.json"
    configuration.write_text(json.dumps({"gitlab-accesstoken-expires": {"maximumDays": days}}))
    output = project.run(*PREVIEW, *PACK, "--policy-pack-config", str(configuration), code=1)
    assert "maximumDays" in output


WITHOUT_PACK = """\
    from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec

    Testbed("testbed", TestbedArgs(
        spec=TestbedSpec(pod_security="privileged"), environment="dev", namespace="bighpc-dev",
    ))
    """

SUBCLASS = """\
    import pulumi
    import pulumi_kubernetes as kubernetes
    from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec

    class Loose(Testbed):
        def _create_limits(self):
            kubernetes.core.v1.Namespace(
                "loose",
                metadata={"name": "bighpc-dev", "labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
                opts=pulumi.ResourceOptions(parent=self),
            )
            return super()._create_limits()

    Loose("testbed", TestbedArgs(spec=TestbedSpec(), environment="dev", namespace="bighpc-dev"))
    """

TRANSFORM = """\
    import pulumi
    from components.kubernetes.testbed import Testbed, TestbedArgs, TestbedSpec

    def loosen(args):
        if args.type_ == "kubernetes:core/v1:Namespace":
            args.props["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] = "privileged"
        return pulumi.ResourceTransformResult(props=args.props, opts=args.opts)

    pulumi.runtime.register_resource_transform(loosen)
    Testbed("testbed", TestbedArgs(spec=TestbedSpec(), environment="dev", namespace="bighpc-dev"))
    """


@pytest.fixture
def other(tmp_path: Path) -> Workspace:
    """A project of a test's own, whose program the test writes."""
    return workspace(tmp_path)


def test_without_the_pack_the_constructors_refuse(other: Workspace) -> None:
    other.write(dedent(WITHOUT_PACK))
    output = other.run(*UP, code=1)
    assert "Every namespace enforces the baseline or the restricted Pod Security Standard." in output
    assert "kubernetes:core/v1:Namespace" not in other.run("stack", "export", "--stack", "dev")


@pytest.mark.parametrize("program", [SUBCLASS, TRANSFORM], ids=["subclass", "transform"])
def test_who_gets_around_a_constructor_does_not_get_around_the_pack(other: Workspace, program: str) -> None:
    other.write(dedent(program))
    found = judge(other, *PREVIEW, code=1).found
    assert [rule for rule, _ in found if rule == POD_SECURITY] == [POD_SECURITY]
