"""Programs for tests of the policies: resources as data, declared one by one past every component."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from policies.rules import __path__ as _rules
from tests.integration import accepting_provider
from tests.integration.pulumi_workspace import Workspace, create
from tests.unit.policies import stack_battery as stack
from tests.unit.policies.samples import having
from tests.unit.policies.stack_battery import Declared, changed
from tests.unit.policies.test_pack import BATTERIES, RESOURCE_RULES

__all__ = ["PACK", "POLICIES", "Judged", "declare", "judge", "showcases", "stack_showcases", "workspace"]

POLICIES: Final = Path(next(iter(_rules))).parent
PACK: Final = ("--policy-pack", str(POLICIES))

_PROGRAM: Final = """\
    import json
    from pathlib import Path

    import pulumi

    made = {}
    for each in json.loads(Path("resources.json").read_text()):
        props = dict(each["props"])
        for key in each["secrets"]:
            props[key] = pulumi.Output.secret(props[key])
        for key, used in each["uses"].items():
            props[key] = made[used[0]].id
        made[each["name"]] = pulumi.CustomResource(
            each["token"], each["name"], props,
            pulumi.ResourceOptions(protect=each["protect"], **each["options"]),
        )
    """
_SECRETS: Final = frozenset({"token", "signingToken", "value", "password", "stringData", "data", "key"})


def workspace(root: Path) -> Workspace:
    """A project whose providers accept everything."""
    made = create(root, _PROGRAM, {"PULUMI_ENABLE_STREAMING_JSON_PREVIEW": "true"})
    accepting_provider.install(root / "bin", "gitlab", "kubernetes")
    declare(made, ())
    return made


def declare(made: Workspace, resources: Iterable[Declared], **options: Any) -> None:
    """Make these the resources of the program; the options are Pulumi's, for all of them."""
    declared = [
        {
            "token": each.token,
            "name": each.name,
            "props": dict(each.props),
            "protect": each.protect,
            "uses": {key: list(used) for key, used in each.uses.items()},
            "secrets": sorted(_SECRETS & set(each.props) - set(each.uses)),
            "options": options,
        }
        for each in resources
    ]
    made.write(json.dumps(declared), "resources.json")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What the engine said about a program."""

    found: list[tuple[str, str]]
    """Rules and the names of the resources that break them."""
    repaired: list[tuple[str, str]]
    """Rules and the names of the resources that they put right."""
    text: str
    """All messages."""


def judge(made: Workspace, *arguments: str, code: int) -> Judged:
    """Run the engine with the pack, and return what came of it."""
    output = made.run(*arguments, *PACK, "--json", code=code)
    events = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    policies = [event["policyEvent"] for event in events if "policyEvent" in event]
    repairs = [event["policyRemediationEvent"] for event in events if "policyRemediationEvent" in event]
    return Judged(
        found=sorted(_rule_and_name(event) for event in policies),
        repaired=sorted(_rule_and_name(event) for event in repairs),
        text="\n".join(event["message"] for event in policies),
    )


def _rule_and_name(event: dict[str, str]) -> tuple[str, str]:
    return event["policyName"], event.get("resourceUrn", "").rpartition("::")[2]


def _companions(declared: Declared) -> Iterator[Declared]:
    """Yield what the rules over whole stacks ask for beside a resource."""
    name = declared.name
    if declared.token == stack.NAMESPACE.token:
        here = {"metadata namespace": declared.props["metadata"]["name"]}
        for each in (stack.POLICY, stack.QUOTA, stack.LIMITS):
            yield changed(each, {**here, "metadata name": f"{name}-{each.name}"}, f"{name}-{each.name}")
    if declared.token == stack.PROJECT.token:
        yield Declared(
            token=stack.PROTECTION.token,
            name=f"{name}-protection",
            props=having(dict(stack.PROTECTION.props), {"branch": "main"}),
            uses={"project": [name]},
        )
    if declared.token == stack.APPLICATION.token:
        repository = declared.props["spec"]["source"]["repoURL"]
        source = Declared(
            token=stack.PROJECT.token,
            name=f"{name}-source",
            props={**stack.PROJECT.props, "path": f"{name}-source", "httpUrlToRepo": repository},
            protect=True,
        )
        yield from (source, *_companions(source))


def _own(token: str, name: str, props: dict[str, Any]) -> Declared:
    """Return a resource with a name and a secret of its own, so that it breaks no rule by being one of many."""
    changes: dict[str, Any] = {}
    if props.get("metadata", {}).get("name") == "subject":
        changes["metadata name"] = name
    if token == stack.NAMESPACE.token:
        changes["metadata name"] = name
    if "token" in props and token == stack.HOOK.token:
        changes["token"] = f"canary-{name}"
    return Declared(token=token, name=name, props=having(props, changes), protect=True)


def showcases() -> list[Declared]:
    """Return one resource per rule over single resources, which breaks it alone and has its name."""
    batteries: dict[str, Any] = {rule.name: BATTERIES[rule.name] for rule in RESOURCE_RULES}
    bad = [_own(each.resource_type, name, each.bad[0][0]) for name, each in batteries.items()]
    companions = [companion for each in bad for companion in _companions(each)]
    repositories = {
        each.props["spec"]["source"]["repoURL"] for each in bad if each.token == stack.APPLICATION.token
    } | {"https://gitlab.example/bighpc/environments.git"}
    baseline = [
        changed(each, {"spec sourceRepos": sorted(repositories)}) if each is stack.APP_PROJECT else each
        for each in stack.ENVIRONMENT
    ]
    return [*baseline, *bad, *companions]


def _environment(name: str, *left_out: Declared) -> list[Declared]:
    """Return a namespace of that name with what belongs into it, but for something."""
    namespace = changed(stack.NAMESPACE, {"metadata name": name}, name)
    companions = [each for each in _companions(namespace) if each.token not in {one.token for one in left_out}]
    return [namespace, *companions]


def _application(name: str, changes: dict[str, Any]) -> Declared:
    return changed(stack.APPLICATION, {"metadata name": name, **changes}, name)


def stack_showcases() -> tuple[list[Declared], list[tuple[str, str]]]:
    """Return resources that break every rule over whole stacks, and who breaks which.

    What a stack lacks as a whole, such as an agent, breaks its rule in a stack of its own.
    """
    elsewhere, gone = "https://gitlab.example/elsewhere.git", {"spec destination namespace": "elsewhere"}
    project = changed(stack.PROJECT, {"path": "trunk", "defaultBranch": "trunk"}, "trunk")
    wide = {"spec sourceRepos": [elsewhere], "metadata name": "wide"}
    wide_project = changed(stack.APP_PROJECT, wide, "wide-project")
    other = {**stack.APP_PROJECT.props["spec"]["destinations"][0], "namespace": "elsewhere"}
    token, member = "gitlab:index/clusterAgentToken:ClusterAgentToken", "gitlab:index/groupMembership:GroupMembership"
    resources = [
        *stack.ENVIRONMENT,
        *_environment("undenied", stack.POLICY),
        *_environment("unlimited", stack.LIMITS),
        *_environment("unquoted", stack.QUOTA),
        project,
        changed(stack.PROTECTION, {}, "trunk-protection"),
        changed(stack.BRANCH, {"name": "dev"}, "dev-branch"),
        *(Declared(token=token, name=f"token-{each}", props={}, uses={"agentId": ["agent"]}) for each in range(3)),
        *(
            Declared(token=member, name=f"owner-{each}", props={"accessLevel": "owner"}, uses={"groupId": ["group"]})
            for each in range(5)
        ),
        changed(stack.HOOK, {}, "second-hook"),
        changed(stack.QUOTA, {}, "second-quota"),
        Declared(token=stack.PROJECT.token, name="deletable", props={**stack.PROJECT.props, "path": "deletable"}),
        Declared(
            token=stack.PROTECTION.token, name="main", props=stack.PROTECTION.props, uses={"project": ["deletable"]}
        ),
        wide_project,
        changed(stack.APP_PROJECT, {"metadata name": "far", "spec destinations": [other]}, "far-project"),
        _application("lost", {"spec project": "gone"}),
        _application("unmanaged", {"spec project": "wide", "spec source repoURL": elsewhere}),
        _application("far", {"spec project": "far", **gone}),
    ]
    expected = [
        ("stack-agent-few-tokens", "agent"),
        ("stack-application-admitted", "lost"),
        ("stack-application-namespace-managed", "far"),
        ("stack-application-repository-managed", "unmanaged"),
        ("stack-branch-protected", "dev-branch"),
        ("stack-data-protected", "deletable"),
        ("stack-group-few-owners", "group"),
        ("stack-hook-own-token", "hook"),
        ("stack-hook-own-token", "second-hook"),
        ("stack-name-unique", "quota"),
        ("stack-name-unique", "second-quota"),
        ("stack-namespace-default-deny", "undenied"),
        ("stack-namespace-limits", "unlimited"),
        ("stack-namespace-quota", "unquoted"),
        ("stack-project-default-branch-protected", "trunk"),
    ]
    return resources, expected
