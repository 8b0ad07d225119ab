"""Which tools a testbed needs, at which version, and how each is built.

The versions themselves are pinned in ``modules/<module>``: in ``go.mod`` and ``go.sum``, or in npm's lock file. What
stands here is what those cannot know, such as the version that a binary reports about itself.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

__all__ = ["ASSETS", "MODULES", "PACKAGES", "TOOLS", "Asset", "Package", "Patch", "Tool"]

MODULES = Path(__file__).parent / "modules"

_KUBERNETES = "1.34.4"

# The API server and its clients refuse to parse the placeholder that an unstamped build reports.
_KUBERNETES_STAMP = tuple(
    f"{package}.{variable}"
    for package in ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    for variable in (f"gitVersion=v{_KUBERNETES}", "gitMajor=1", "gitMinor=34", "gitTreeState=clean")
)


@dataclass(frozen=True, kw_only=True)
class Patch:
    """One replaced text in a Go module's source, where upstream leaves no setting for what a testbed must choose."""

    module: str
    """Go module path."""
    file: str
    """Where the text is; white space separates several files."""
    old: str
    """Must occur exactly once in each."""
    new: str


@dataclass(frozen=True, kw_only=True)
class Tool:
    """One executable."""

    name: str
    module: str
    """A folder below ``modules/``."""
    package: str
    version: str
    """What it reports, without a leading ``v``."""
    seconds: int
    """Build time on two cores with what the module's earlier tools left in the build cache; only for the forecast."""
    stamp: tuple[str, ...] = ()
    """``-X`` assignments of the linker."""
    official: tuple[str, ...] = ()
    """Arguments that make an installed binary print its version; empty where no official binary exists."""
    fits: str = ""
    """The versions of an installed binary that are good enough (PEP 440 specifier)."""
    overlay: tuple[tuple[str, str, str], ...] = ()
    """``(file of ours, Go module, file in it)``: laid into the build where upstream's release generates a file."""
    patch: Patch | None = None


@dataclass(frozen=True, kw_only=True)
class Asset:
    """Data files that ship inside a Go module, such as custom resource definitions."""

    name: str
    module: str
    source: str
    """Go module path."""
    directory: str


@dataclass(frozen=True, kw_only=True)
class Package:
    """An executable from npm; its dependencies are pinned in ``modules/<module>/package-lock.json``."""

    name: str
    module: str
    program: str
    """The file that Node.js is given, below the installation."""
    version: str
    seconds: int
    """Time that the installation takes; only for the forecast."""


def _kubernetes(name: str, seconds: int) -> Tool:
    return Tool(
        name=name,
        module="cluster",
        package=f"k8s.io/kubernetes/cmd/{name}",
        version=_KUBERNETES,
        seconds=seconds,
        stamp=_KUBERNETES_STAMP,
        official=("version", "--client", "--output=json") if name == "kubectl" else ("--version",),
        fits="==1.34.*",
    )


# Built in this order, so that big shared libraries are compiled by the first tool of a module that needs them.
TOOLS: tuple[Tool, ...] = (
    Tool(
        name="pulumi",
        module="pulumi",
        package="github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
        version="3.274.1",
        seconds=340,
        # With an empty version the Automation API, and so the operator, refuses the engine.
        stamp=("github.com/pulumi/pulumi/sdk/v3/go/common/version.Version=v3.274.1",),
        official=("version",),
        fits=">=3.231,<4",
    ),
    Tool(
        name="etcd",
        module="cluster",
        package="go.etcd.io/etcd/server/v3",
        version="3.6.16",
        seconds=65,
        official=("--version",),
        fits="==3.6.*",
    ),
    _kubernetes("kube-apiserver", 265),
    _kubernetes("kube-controller-manager", 75),
    _kubernetes("kube-scheduler", 8),
    _kubernetes("kubelet", 24),
    _kubernetes("kube-proxy", 10),
    _kubernetes("kubectl", 30),
    Tool(
        name="coredns",
        module="cluster",
        package="./coredns",
        version="1.13.1",
        seconds=12,
        official=("-version",),
        fits=">=1.11,<2",
    ),
    Tool(name="registry", module="cluster", package="./registry", version="3.0.0", seconds=20),
    Tool(name="pause", module="cluster", package="./pause", version="1.0.0", seconds=1),
    Tool(name="hello", module="cluster", package="./hello", version="1.0.0", seconds=1),
    Tool(
        name="crane",
        module="cluster",
        package="github.com/google/go-containerregistry/cmd/crane",
        version="0.20.6",
        seconds=8,
        stamp=("github.com/google/go-containerregistry/cmd/crane/cmd.Version=0.20.6",),
        official=("version",),
        fits=">=0.19,<1",
    ),
    Tool(
        name="kustomize",
        module="cluster",
        package="sigs.k8s.io/kustomize/kustomize/v5",
        version="5.7.1",
        seconds=4,
        stamp=("sigs.k8s.io/kustomize/api/provenance.version=v5.7.1",),
        official=("version",),
        fits=">=5.4,<6",
    ),
    Tool(
        name="helm",
        module="cluster",
        package="helm.sh/helm/v3/cmd/helm",
        version="3.18.6",
        seconds=20,
        stamp=("helm.sh/helm/v3/internal/version.version=v3.18.6",),
        official=("version", "--short"),
        fits=">=3.14,<4",
    ),
    Tool(
        name="argocd",
        module="cluster",
        package="github.com/argoproj/argo-cd/v3/cmd",
        version="3.2.3",
        seconds=160,
        stamp=("github.com/argoproj/argo-cd/v3/common.version=3.2.3",),
        # Upstream serves the controllers' metrics on every interface; a testbed listens on loopback alone.
        patch=Patch(
            module="github.com/argoproj/argo-cd/v3",
            file="controller/appcontroller.go cmd/argocd-notification/commands/controller.go",
            old='fmt.Sprintf("0.0.0.0:%d", metricsPort)',
            new='fmt.Sprintf("127.0.0.1:%d", metricsPort)',
        ),
    ),
    Tool(
        name="kube-network-policies",
        module="node",
        package="./kube-network-policies",
        version="0.7.0",
        seconds=90,
        # Upstream's rules need nftables' queue expression, which some kernels lack; the testbed has rules of its own.
        patch=Patch(
            module="sigs.k8s.io/kube-network-policies",
            file="pkg/networkpolicy/controller.go",
            old='klog.FromContext(ctx).Info("Syncing nftables rules")',
            new="return nil // The testbed has rules of its own.",
        ),
    ),
    Tool(name="local-volumes", module="node", package="./local-volumes", version="13.0.0", seconds=20),
    Tool(
        name="pulumi-resource-kubernetes",
        module="provider",
        package="./kubernetes",
        version="4.25.0",
        seconds=480,
        stamp=("github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version.Version=v4.25.0",),
        overlay=(
            (
                "kubernetes/schema.json",
                "github.com/pulumi/pulumi-kubernetes/provider/v4",
                "cmd/pulumi-resource-kubernetes/schema.json",
            ),
            (
                "kubernetes/terraform-mapping.json",
                "github.com/pulumi/pulumi-kubernetes/provider/v4",
                "cmd/pulumi-resource-kubernetes/terraform-mapping.json",
            ),
        ),
    ),
    Tool(
        name="kwok",
        module="provider",
        package="sigs.k8s.io/kwok/cmd/kwok",
        version="0.7.0",
        seconds=35,
        stamp=("sigs.k8s.io/kwok/pkg/consts.Version=v0.7.0",),
        official=("--version",),
        fits="==0.7.*",
    ),
    Tool(
        name="pulumi-kubernetes-operator",
        module="operator",
        package="github.com/pulumi/pulumi-kubernetes-operator/cmd/manager",
        version="1.16.0",
        seconds=150,
        stamp=("github.com/pulumi/pulumi-kubernetes-operator/version.Version=v1.16.0",),
        # Upstream's port is fixed and open to every interface; two testbeds on one machine need two.
        patch=Patch(
            module="github.com/pulumi/pulumi-kubernetes-operator",
            file="cmd/manager/main.go",
            old='fmt.Sprintf("%s:%d", metricsHost, metricsPort)',
            new='os.Getenv("METRICS_BIND_ADDRESS")',
        ),
    ),
)

ASSETS: tuple[Asset, ...] = (
    Asset(name="argocd-crds", module="cluster", source="github.com/argoproj/argo-cd/v3", directory="manifests/crds"),
    Asset(name="argocd-base", module="cluster", source="github.com/argoproj/argo-cd/v3", directory="manifests/base"),
    Asset(
        name="argocd-cluster-rbac",
        module="cluster",
        source="github.com/argoproj/argo-cd/v3",
        directory="manifests/cluster-rbac",
    ),
    Asset(
        name="operator-rbac",
        module="operator",
        source="github.com/pulumi/pulumi-kubernetes-operator",
        directory="deploy/yaml",
    ),
    Asset(
        name="operator-crds",
        module="operator",
        source="github.com/pulumi/pulumi-kubernetes-operator",
        directory="deploy/crds",
    ),
    Asset(name="kwok-stages", module="provider", source="sigs.k8s.io/kwok", directory="kustomize/stage"),
)

PACKAGES: tuple[Package, ...] = (
    Package(
        name="gitlab-ci-local",
        module="gitlab-ci-local",
        program="node_modules/gitlab-ci-local/src/index.js",
        version="4.61.1",
        seconds=12,
    ),
)
