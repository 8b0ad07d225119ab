"""The real node ``testbed-0``: containerd, kubelet and kube-proxy in namespaces of their own."""
