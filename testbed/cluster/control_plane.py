"""etcd, the API server, the controller manager and the scheduler."""

from __future__ import annotations

from collections.abc import Callable

from testbed.cluster.pki import Authority, KeyPair
from testbed.context import Context
from testbed.files import private_directory
from testbed.probes import http_probe
from testbed.processes import Process

__all__ = ["control_plane", "kubelet_client"]

_ISSUER = "https://kubernetes.default.svc.cluster.local"


def control_plane(context: Context) -> list[Process]:
    """The processes that make a Kubernetes API."""
    return [_etcd(context), _api_server(context), _controller_manager(context), _scheduler(context)]


def kubelet_client(context: Context) -> KeyPair:
    """As whom the API server (and our probe) speaks to the kubelet."""
    return context.pki.issue("kube-apiserver-kubelet", common_name="kube-apiserver-kubelet-client")


def _etcd(context: Context) -> Process:
    pki, port, peer = context.pki, context.ports["etcd"], context.ports["etcd-peer"]
    authority = pki.authority(Authority.ETCD).certificate
    names = ["127.0.0.1", "localhost"]
    server = pki.issue("etcd", common_name="etcd", server_names=names, authority=Authority.ETCD)
    client = _etcd_client(context)
    url, peer_url = f"https://127.0.0.1:{port}", f"https://127.0.0.1:{peer}"
    return Process(
        name="etcd",
        version=context.tools.version("etcd"),
        command=(
            str(context.tools.path("etcd")),
            "--name=testbed",
            f"--data-dir={private_directory(context.layout.data / 'etcd')}",
            f"--listen-client-urls={url}",
            f"--advertise-client-urls={url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=testbed={peer_url}",
            f"--cert-file={server.certificate}",
            f"--key-file={server.key}",
            f"--trusted-ca-file={authority}",
            "--client-cert-auth=true",
            f"--peer-cert-file={server.certificate}",
            f"--peer-key-file={server.key}",
            f"--peer-trusted-ca-file={authority}",
            "--peer-client-cert-auth=true",
            # Keeps the history of a few minutes, as kubeadm's API server asks for; the rest is disk.
            "--auto-compaction-mode=periodic",
            "--auto-compaction-retention=5m",
            "--log-level=warn",
        ),
        probe=http_probe(f"{url}/health", authority=authority, client=client),
        url=url,
    )


def _etcd_client(context: Context) -> KeyPair:
    return context.pki.issue("kube-apiserver-etcd", common_name="kube-apiserver", authority=Authority.ETCD)


def _api_server(context: Context) -> Process:
    pki = context.pki
    admin = pki.issue("admin", common_name="kubernetes-admin", organizations=["system:masters"])
    authority = pki.authority(Authority.CLUSTER).certificate
    return Process(
        name="kube-apiserver",
        version=context.tools.version("kube-apiserver"),
        after=("etcd",),
        command=(
            str(context.tools.path("kube-apiserver")),
            f"--bind-address={context.address}",
            f"--advertise-address={context.address}",
            f"--secure-port={context.ports['kube-apiserver']}",
            f"--service-cluster-ip-range={context.network.services}",
            # Without a real node the address is a loopback one, which Kubernetes refuses in its own Service.
            *(() if context.real_node else ("--endpoint-reconciler-type=none",)),
            "--anonymous-auth=false",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            *_identity(context),
            *_front_proxy(context),
            *_connections(context),
            # The single-machine API server needs no minute to drain requests.
            "--shutdown-delay-duration=0s",
            "--profiling=false",
        ),
        # Its first start bootstraps RBAC before it says ready.
        start_limit=90,
        stop_limit=20,
        probe=http_probe(f"{context.api_url}/readyz", authority=authority, client=admin),
        url=context.api_url,
    )


def _identity(context: Context) -> tuple[str, ...]:
    """Who the API server is, and by which keys it knows users and service accounts."""
    pki = context.pki
    server = pki.issue(
        "kube-apiserver",
        common_name="kube-apiserver",
        client=False,
        server_names=[
            *("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local"),
            *("localhost", "127.0.0.1", context.network.host, str(context.network.services[1])),
        ],
    )
    token_keys = pki.token_keys()
    return (
        f"--tls-cert-file={server.certificate}",
        f"--tls-private-key-file={server.key}",
        f"--client-ca-file={pki.authority(Authority.CLUSTER).certificate}",
        f"--service-account-issuer={_ISSUER}",
        f"--service-account-key-file={token_keys.certificate}",
        f"--service-account-signing-key-file={token_keys.key}",
    )


def _front_proxy(context: Context) -> tuple[str, ...]:
    """How the API server speaks for its users to extension servers, and whom it lets do the same to itself."""
    client = context.pki.issue("front-proxy", common_name="front-proxy", authority=Authority.FRONT_PROXY)
    return (
        f"--proxy-client-cert-file={client.certificate}",
        f"--proxy-client-key-file={client.key}",
        f"--requestheader-client-ca-file={context.pki.authority(Authority.FRONT_PROXY).certificate}",
        "--requestheader-allowed-names=front-proxy",
        "--requestheader-extra-headers-prefix=X-Remote-Extra-",
        "--requestheader-group-headers=X-Remote-Group",
        "--requestheader-username-headers=X-Remote-User",
    )


def _connections(context: Context) -> tuple[str, ...]:
    """How the API server reaches etcd and kubelets."""
    kubelet, etcd = kubelet_client(context), _etcd_client(context)
    return (
        f"--etcd-servers=https://127.0.0.1:{context.ports['etcd']}",
        f"--etcd-cafile={context.pki.authority(Authority.ETCD).certificate}",
        f"--etcd-certfile={etcd.certificate}",
        f"--etcd-keyfile={etcd.key}",
        f"--kubelet-certificate-authority={context.pki.authority(Authority.CLUSTER).certificate}",
        f"--kubelet-client-certificate={kubelet.certificate}",
        f"--kubelet-client-key={kubelet.key}",
        "--kubelet-preferred-address-types=InternalIP",
    )


def _controller_manager(context: Context) -> Process:
    pki, name = context.pki, "kube-controller-manager"
    authority = pki.authority(Authority.CLUSTER)
    kubeconfig = context.kubeconfig(name, user=f"system:{name}")
    return Process(
        name=name,
        version=context.tools.version(name),
        after=("kube-apiserver",),
        command=(
            str(context.tools.path(name)),
            f"--kubeconfig={kubeconfig}",
            f"--service-account-private-key-file={pki.token_keys().key}",
            f"--root-ca-file={authority.certificate}",
            f"--cluster-signing-cert-file={authority.certificate}",
            f"--cluster-signing-key-file={authority.key}",
            "--use-service-account-credentials=true",
            # By default 20 requests a second, for five jobs at a time: a thousand would wait for it and not for nodes.
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--concurrent-job-syncs=20",
            *_serving(context, name),
        ),
        files=(kubeconfig,),
        probe=_healthz(context, name),
    )


def _scheduler(context: Context) -> Process:
    name = "kube-scheduler"
    kubeconfig = context.kubeconfig(name, user=f"system:{name}")
    return Process(
        name=name,
        version=context.tools.version(name),
        after=("kube-apiserver",),
        command=(
            str(context.tools.path(name)),
            f"--kubeconfig={kubeconfig}",
            *_serving(context, name),
        ),
        files=(kubeconfig,),
        probe=_healthz(context, name),
    )


def _serving(context: Context, name: str) -> tuple[str, ...]:
    """Health and metrics on loopback, with our own certificate; one instance needs no leader election."""
    server = context.pki.issue(f"{name}-server", common_name=name, server_names=["127.0.0.1"], client=False)
    return (
        "--bind-address=127.0.0.1",
        f"--secure-port={context.ports[name]}",
        f"--tls-cert-file={server.certificate}",
        f"--tls-private-key-file={server.key}",
        "--leader-elect=false",
        "--profiling=false",
    )


def _healthz(context: Context, name: str) -> Callable[[], None]:
    url = f"https://127.0.0.1:{context.ports[name]}/healthz"
    return http_probe(url, authority=context.pki.authority(Authority.CLUSTER).certificate)
