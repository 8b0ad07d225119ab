"""Tables and transactions."""

from testbed.gitlab.store.access import DeployKey, DeployKeyUse, DeployToken, JobTokenAllowed, JobTokenScope
from testbed.gitlab.store.automation import (
    Agent,
    AgentToken,
    Deployment,
    Environment,
    Runner,
    Schedule,
    Trigger,
    Variable,
)
from testbed.gitlab.store.base import Base, Database, SchemaError
from testbed.gitlab.store.events import Delivery, Hook
from testbed.gitlab.store.issuables import AwardEmoji, Issuable, Issue, Note
from testbed.gitlab.store.merge_requests import (
    Approval,
    ApprovalRule,
    ApprovalSettings,
    MergeRequest,
    MergeRequestVersion,
)
from testbed.gitlab.store.oauth import Application, AuthorizationCode, OAuthToken
from testbed.gitlab.store.people import AccessToken, User
from testbed.gitlab.store.pipelines import Artifact, Job, Pipeline, RunnerManager
from testbed.gitlab.store.planning import Badge, Board, BoardList, Label, Milestone
from testbed.gitlab.store.protected_environments import ProtectedEnvironment
from testbed.gitlab.store.protection import Access, ProtectedRef
from testbed.gitlab.store.releases import PagesSettings, Release, ReleaseLink
from testbed.gitlab.store.spaces import Container, Member, Namespace, Owned, Project

__all__ = [
    "Access",
    "AccessToken",
    "Agent",
    "AgentToken",
    "Application",
    "Approval",
    "ApprovalRule",
    "ApprovalSettings",
    "Artifact",
    "AuthorizationCode",
    "AwardEmoji",
    "Badge",
    "Base",
    "Board",
    "BoardList",
    "Container",
    "Database",
    "Delivery",
    "DeployKey",
    "DeployKeyUse",
    "DeployToken",
    "Deployment",
    "Environment",
    "Hook",
    "Issuable",
    "Issue",
    "Job",
    "JobTokenAllowed",
    "JobTokenScope",
    "Label",
    "Member",
    "MergeRequest",
    "MergeRequestVersion",
    "Milestone",
    "Namespace",
    "Note",
    "OAuthToken",
    "Owned",
    "PagesSettings",
    "Pipeline",
    "Project",
    "ProtectedEnvironment",
    "ProtectedRef",
    "Release",
    "ReleaseLink",
    "Runner",
    "RunnerManager",
    "Schedule",
    "SchemaError",
    "Trigger",
    "User",
    "Variable",
]
