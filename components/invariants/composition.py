"""A whole stack: what its resources are to each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from components.invariants.delivery import SYSTEM_NAMESPACES
from components.invariants.violation import Data, invariant

__all__ = [
    "Resource",
    "Stack",
    "agent_has_few_tokens",
    "application_goes_to_a_managed_namespace",
    "application_is_admitted_by_its_project",
    "application_repository_is_managed",
    "branch_is_protected",
    "data_is_protected",
    "default_branch_is_protected",
    "environment_has_an_agent",
    "environment_has_an_operator",
    "group_has_few_owners",
    "hook_has_a_token_of_its_own",
    "name_is_unique",
    "namespace_denies_by_default",
    "namespace_has_a_quota",
    "namespace_has_limits",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Resource:
    """A resource and how it hangs together with others."""

    kind: str
    """API group and kind, such as ``core/Namespace`` or ``gitlab/Project``."""
    name: str
    urn: str
    data: Data
    protected: bool = False
    """Whether Pulumi refuses to delete it."""
    uses: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """By property, the URNs of the resources that its value comes from."""

    @property
    def metadata(self) -> Data:
        """A Kubernetes object's metadata."""
        metadata: Data = self.data.get("metadata") or {}
        return metadata

    @property
    def spec(self) -> Data:
        """A Kubernetes object's spec."""
        spec: Data = self.data.get("spec") or {}
        return spec


class Stack:
    """All resources of a stack."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resources = tuple(resources)

    @cached_property
    def _kinds(self) -> Mapping[str, Sequence[Resource]]:
        kinds: dict[str, list[Resource]] = {}
        for resource in self.resources:
            kinds.setdefault(resource.kind, []).append(resource)
        return kinds

    def of(self, kind: str) -> Sequence[Resource]:
        """Return the resources of a kind."""
        return self._kinds.get(kind, ())

    def using(self, kind: str, through: str, used: Resource) -> list[Resource]:
        """Return the resources of a kind that have a property from another resource."""
        return [resource for resource in self.of(kind) if used.urn in resource.uses.get(through, ())]

    def within(self, kind: str, namespace: object) -> Iterator[Resource]:
        """Yield the Kubernetes objects of a kind in a namespace."""
        return (each for each in self.of(kind) if each.metadata.get("namespace") == namespace)

    def named(self, kind: str, name: object, namespace: object) -> Iterator[Resource]:
        """Yield the Kubernetes objects of that kind, name and namespace: one, if all is well."""
        return (each for each in self.within(kind, namespace) if each.metadata.get("name") == name)

    @cached_property
    def hooks_by_token(self) -> Mapping[object, Sequence[Resource]]:
        """GitLab's hooks by their tokens."""
        hooks: dict[object, list[Resource]] = {}
        for hook in (*self.of("gitlab/ProjectHook"), *self.of("gitlab/GroupHook")):
            hooks.setdefault(hook.data.get("token"), []).append(hook)
        return hooks

    @cached_property
    def objects_by_name(self) -> Mapping[object, Sequence[Resource]]:
        """Kubernetes objects by kind, namespace and name."""
        objects: dict[object, list[Resource]] = {}
        for each in self.resources:
            if each.metadata.get("name"):
                key = (each.kind, each.metadata.get("namespace"), each.metadata["name"])
                objects.setdefault(key, []).append(each)
        return objects


@invariant(
    "Every namespace denies what no network policy allows.",
    "Add a NetworkPolicy with an empty podSelector, both policyTypes and no rules.",
)
def namespace_denies_by_default(namespace: Resource, stack: Stack) -> Iterator[str]:
    """A pod that nobody thought of talks to nobody."""
    policies = stack.within("networking.k8s.io/NetworkPolicy", namespace.metadata.get("name"))
    if not any(_denies_everything(policy.spec) for policy in policies):
        yield "no network policy denies by default"


def _denies_everything(spec: Data) -> bool:
    selector = spec.get("podSelector") or {}
    selects = selector.get("matchLabels") or selector.get("matchExpressions")
    both = {"Ingress", "Egress"} <= set(spec.get("policyTypes") or ())
    return both and not selects and not spec.get("ingress") and not spec.get("egress")


@invariant("Every namespace has a quota.", "Add a ResourceQuota.")
def namespace_has_a_quota(namespace: Resource, stack: Stack) -> Iterator[str]:
    """One application does not take the whole testbed."""
    quotas = stack.within("core/ResourceQuota", namespace.metadata.get("name"))
    # One of storage alone limits no pods.
    if not any("pods" in (quota.spec.get("hard") or {}) for quota in quotas):
        yield "it has no quota of pods"


@invariant("Every namespace gives containers limits that ask for none.", "Add a LimitRange with defaults.")
def namespace_has_limits(namespace: Resource, stack: Stack) -> Iterator[str]:
    """A container without limits is refused by the quota, or takes all that is left of it."""
    if not any(stack.within("core/LimitRange", namespace.metadata.get("name"))):
        yield "it has no limit range"


@invariant("A default branch is protected.", "Add a BranchProtection for it.")
def default_branch_is_protected(project: Resource, stack: Stack) -> Iterator[str]:
    """What everything starts from is reviewed."""
    # Before the first push GitLab names its own default, a branch that need never come to be.
    branch = None if project.data.get("emptyRepo") is True else project.data.get("defaultBranch")
    protections = stack.using("gitlab/BranchProtection", "project", project)
    if branch and not _is_protected(branch, protections):
        yield f"its default branch '{branch}' is not protected"
    if not branch and not protections:
        # Who pushes first decides which it is: GitLab protects it then, until somebody lifts that.
        yield "it has no protected branch"


@invariant("A branch that the platform makes is protected.", "Add a BranchProtection for it.")
def branch_is_protected(branch: Resource, stack: Stack) -> Iterator[str]:
    """What drives an environment is reviewed."""
    siblings = [
        protection
        for protection in stack.of("gitlab/BranchProtection")
        if set(protection.uses.get("project", ())) & set(branch.uses.get("project", ()))
        or protection.data.get("project") == branch.data.get("project")
    ]
    if not _is_protected(branch.data.get("name") or "", siblings):
        yield "it is not protected"


def _is_protected(branch: str, protections: Iterable[Resource]) -> bool:
    return any(fnmatchcase(branch, protection.data.get("branch") or "") for protection in protections)


@invariant("An agent has at most two tokens.", "Delete the tokens that are not in use; two are enough to rotate.")
def agent_has_few_tokens(agent: Resource, stack: Stack) -> Iterator[str]:
    """A token that nobody remembers still opens the cluster."""
    tokens = len(stack.using("gitlab/ClusterAgentToken", "agentId", agent))
    if tokens > 2:
        yield f"it has {tokens} tokens"


@invariant("A group has few owners.", "Make them maintainers.")
def group_has_few_owners(group: Resource, stack: Stack, limit: int) -> Iterator[str]:
    """Whoever can delete the platform is known by name."""
    members = stack.using("gitlab/GroupMembership", "groupId", group)
    owners = sum(member.data.get("accessLevel") == "owner" for member in members)
    if owners > limit:
        yield f"it has {owners} owners; the limit is {limit}"


@invariant("Every hook has a token of its own.", "Make a new token for one of them.")
def hook_has_a_token_of_its_own(hook: Resource, stack: Stack) -> Iterator[str]:
    """A receiver whose token leaked gives no other away."""
    token = hook.data.get("token")
    others = [each.name for each in stack.hooks_by_token.get(token, ()) if each is not hook] if token else []
    if others:
        yield f"it shares its token with {', '.join(others)}"


@invariant("No two resources are the same object.", "Give one of them another name, or delete it.")
def name_is_unique(resource: Resource, stack: Stack) -> Iterator[str]:
    """Two resources that describe one object undo each other's changes."""
    name, namespace = resource.metadata.get("name"), resource.metadata.get("namespace")
    same = stack.objects_by_name.get((resource.kind, namespace, name), ())
    others = [each.name for each in same if each is not resource]
    if others:
        yield f"{', '.join(others)} is '{name}' in {namespace or 'the cluster'} too"


@invariant("Production's data is protected from deletion.", "Set protect to true in the resource's options.")
def data_is_protected(resource: Resource) -> Iterator[str]:
    """A renamed resource or a destroyed stack takes no repository with it."""
    if not resource.protected:
        yield "an update can delete it"


@invariant("An application keeps to its project.", "Add its repository and destination to the AppProject of the stack.")
def application_is_admitted_by_its_project(application: Resource, stack: Stack) -> Iterator[str]:
    """Argo CD would accept the object and never sync it."""
    spec = application.spec
    if (spec.get("project") or "default") == "default":
        return  # which no application may belong to: one cause, one message
    projects = stack.named("argoproj.io/AppProject", spec.get("project"), application.metadata.get("namespace"))
    project = next(projects, None)
    if project is None:
        yield f"its project '{spec.get('project')}' is not part of the stack"
        return
    for source in _sources(spec):
        if source.get("repoURL") not in list(project.spec.get("sourceRepos") or ()):
            yield "its project does not admit its repository"
    destination = spec.get("destination") or {}
    admitted = project.spec.get("destinations") or ()
    if not _is_of_the_system(destination.get("namespace")) and not any(_agree(destination, each) for each in admitted):
        yield f"its project does not admit the namespace '{destination.get('namespace')}'"


def _is_of_the_system(namespace: object) -> bool:
    """Whether another rule refuses the namespace anyway."""
    return not namespace or namespace in SYSTEM_NAMESPACES


def _agree(destination: Data, admitted: Data) -> bool:
    same_cluster = any(
        admitted.get(key) is not None and admitted.get(key) == destination.get(key) for key in ("server", "name")
    )
    return same_cluster and admitted.get("namespace") == destination.get("namespace")


def _sources(spec: Data) -> list[Data]:
    single = [spec["source"]] if spec.get("source") else []
    return [*single, *(spec.get("sources") or ())]


@invariant("An application comes from a project of the platform.", "Use the clone address of a GitLabProject.")
def application_repository_is_managed(application: Resource, stack: Stack) -> Iterator[str]:
    """What is deployed is in a repository with the platform's protections."""
    projects = stack.of("gitlab/Project")
    for source in _sources(application.spec) if projects else ():
        # A chart is no repository in git: its exact version and the AppProject's list of sources limit it.
        is_chart = source.get("chart") or str(source.get("repoURL")).startswith("oci://")
        if not is_chart and not any(project.data.get("httpUrlToRepo") == source.get("repoURL") for project in projects):
            yield "its repository is no project of the platform"


@invariant("An application goes to a namespace of the stack.", "Set destination.namespace to the testbed's.")
def application_goes_to_a_managed_namespace(application: Resource, stack: Stack) -> Iterator[str]:
    """Where it runs there are quotas and network policies."""
    namespace = (application.spec.get("destination") or {}).get("namespace")
    if not _is_of_the_system(namespace) and not any(
        each.metadata.get("name") == namespace for each in stack.of("core/Namespace")
    ):
        yield f"the namespace '{namespace}' is not part of the stack"


@invariant("Every environment has a GitLab agent.", "Declare a GitLabAgent.")
def environment_has_an_agent(stack: Stack) -> Iterator[str]:
    """Pipelines reach the cluster through the agent, without a credential of the cluster."""
    if stack.of("core/Namespace") and not stack.of("gitlab/ClusterAgent"):
        yield "no agent connects its cluster to GitLab"


@invariant("Every environment is reconciled by the operator.", "Declare an OperatorStack.")
def environment_has_an_operator(stack: Stack) -> Iterator[str]:
    """A push becomes a change without anybody's machine."""
    if stack.of("core/Namespace") and not stack.of("pulumi.com/Stack"):
        yield "no Stack object reconciles it"
