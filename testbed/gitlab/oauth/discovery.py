"""Where everything is, for clients that set themselves up: ``/.well-known/openid-configuration``."""

from __future__ import annotations

from typing import Any

from testbed.gitlab.forge import Forge
from testbed.gitlab.oauth.claims import CLAIMS
from testbed.gitlab.oauth.pkce import METHODS
from testbed.gitlab.oauth.scopes import SCOPES

__all__ = ["configuration"]


def configuration(forge: Forge) -> dict[str, Any]:
    """What OpenID Connect calls the metadata of a provider; what GitLab has and the double has not is left out."""
    return {
        "issuer": forge.settings.external_url,
        "authorization_endpoint": forge.url("oauth/authorize"),
        "token_endpoint": forge.url("oauth/token"),
        "revocation_endpoint": forge.url("oauth/revoke"),
        "introspection_endpoint": forge.url("oauth/introspect"),
        "userinfo_endpoint": forge.url("oauth/userinfo"),
        "jwks_uri": forge.url("oauth/discovery/keys"),
        "scopes_supported": list(SCOPES),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": ["client_secret_basic", "client_secret_post"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claim_types_supported": ["normal"],
        "claims_supported": CLAIMS,
        "code_challenge_methods_supported": list(METHODS),
    }
