"""Where rules come from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

__all__ = [
    "ARGOCD_PROJECTS",
    "ARGOCD_SECURITY",
    "CIS",
    "GITLAB_BRANCHES",
    "GITLAB_HARDENING",
    "GITLAB_HOOKS",
    "GITLAB_JOB_TOKENS",
    "GITLAB_RUNNERS",
    "GITLAB_TOKENS",
    "GITLAB_VARIABLES",
    "KUBERNETES_LABELS",
    "NSA",
    "OPERATOR",
    "OWASP",
    "POD_SECURITY",
    "PULUMI_OPTIONS",
    "SLSA",
    "Source",
]


@dataclass(frozen=True)
class Source:
    """A document that a rule can be read in."""

    title: str
    url: str

    def at(self, section: str) -> Source:
        """Return a section of it."""
        return replace(self, title=f"{self.title}: {section}")


ARGOCD_PROJECTS: Final = Source("Argo CD projects", "https://argo-cd.readthedocs.io/en/stable/user-guide/projects/")
ARGOCD_SECURITY: Final = Source(
    "Argo CD security", "https://argo-cd.readthedocs.io/en/stable/operator-manual/security/"
)
CIS: Final = Source("CIS Kubernetes Benchmark", "https://www.cisecurity.org/benchmark/kubernetes")
GITLAB_BRANCHES: Final = Source(
    "GitLab: protected branches", "https://docs.gitlab.com/user/project/repository/branches/protected/"
)
GITLAB_HARDENING: Final = Source(
    "GitLab: hardening", "https://docs.gitlab.com/security/hardening_configuration_recommendations/"
)
GITLAB_HOOKS: Final = Source("GitLab: webhooks", "https://docs.gitlab.com/user/project/integrations/webhooks/")
GITLAB_JOB_TOKENS: Final = Source("GitLab: CI/CD job token", "https://docs.gitlab.com/ci/jobs/ci_job_token/")
GITLAB_RUNNERS: Final = Source("GitLab: security of runners", "https://docs.gitlab.com/runner/security/")
GITLAB_TOKENS: Final = Source("GitLab: tokens", "https://docs.gitlab.com/security/tokens/")
GITLAB_VARIABLES: Final = Source("GitLab: CI/CD variables", "https://docs.gitlab.com/ci/variables/")
KUBERNETES_LABELS: Final = Source(
    "Kubernetes: recommended labels",
    "https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/",
)
NSA: Final = Source(
    "NSA and CISA Kubernetes Hardening Guide",
    "https://media.defense.gov/2022/Aug/29/2003066362/-1/-1/0/CTR_KUBERNETES_HARDENING_GUIDANCE_1.2_20220829.PDF",
)
OPERATOR: Final = Source(
    "Pulumi Kubernetes Operator",
    "https://www.pulumi.com/docs/iac/using-pulumi/continuous-delivery/pulumi-kubernetes-operator/",
)
OWASP: Final = Source("OWASP Top 10 CI/CD Security Risks", "https://owasp.org/www-project-top-10-ci-cd-security-risks/")
POD_SECURITY: Final = Source(
    "Pod Security Standards", "https://kubernetes.io/docs/concepts/security/pod-security-standards/"
)
PULUMI_OPTIONS: Final = Source("Pulumi: resource options", "https://www.pulumi.com/docs/iac/concepts/options/protect/")
SLSA: Final = Source("SLSA", "https://slsa.dev/spec/v1.0/")
