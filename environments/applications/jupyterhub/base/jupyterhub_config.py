"""What a hub is started with: its parts in this namespace, and what the stack says, by class and trait."""

import sys
from pathlib import Path

import yaml

SETTINGS = Path("/etc/jupyterhub/settings")
PARTS = {
    "JupyterHub": {
        "hub_bind_url": "http://0.0.0.0:8081",
        "hub_connect_url": "http://hub:8081",
        "db_url": "sqlite:////data/jupyterhub.sqlite",
        "spawner_class": "kubespawner.KubeSpawner",
        "services": [
            {
                "name": "idle-culler",
                "command": [
                    sys.executable,
                    *("-m", "jupyterhub_idle_culler", "--url=http://127.0.0.1:8081/hub/api"),
                    *yaml.safe_load((SETTINGS / "culling.yaml").read_text(encoding="utf-8")),
                ],
            }
        ],
        "load_roles": [
            {
                "name": "idle-culler",
                "services": ["idle-culler"],
                "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
            }
        ],
    },
    "ConfigurableHTTPProxy": {"should_start": False, "api_url": "http://proxy-api:8001"},
}

configuration = get_config()  # noqa: F821 - JupyterHub's own
for settings in (PARTS, yaml.safe_load((SETTINGS / "settings.yaml").read_text(encoding="utf-8"))):
    for name, traits in settings.items():
        configuration[name].update(traits)
