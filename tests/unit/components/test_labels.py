from __future__ import annotations

from components.labels import object_labels


def test_an_object_says_what_it_is_part_of_and_who_answers_for_it() -> None:
    assert object_labels(name="quota", component="testbed", environment="dev", owner="platform") == {
        "app.kubernetes.io/name": "quota",
        "app.kubernetes.io/instance": "bighpc-dev",
        "app.kubernetes.io/component": "testbed",
        "app.kubernetes.io/part-of": "bighpc",
        "app.kubernetes.io/managed-by": "pulumi",
        "bighpc.io/environment": "dev",
        "bighpc.io/owner": "platform",
    }
