"""What the Helm chart tells whoever installs it: one clear sentence for every mistake, and what to do next."""

from __future__ import annotations

import pytest
from chart_files import CHART, SETS, Tree, helm

MANY = {"secret": {"keys": {"redis_url": "redis"}}, "gateway": {"storage": {"accessMode": "ReadWriteMany"}}}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"gateway": {"replica": 2}}, "replica"),
        ({"gateway": {"settings": {"treads": 2}}}, "treads"),
        ({"gateway": {"replicas": "two"}}, "replicas"),
        ({"settings": {"drain": None}}, "drain"),
        ({"gateway": {"replicas": 2}}, "needs Redis"),
        ({"gateway": {"settings": {"workers": 2}}}, "needs Redis"),
        ({"gateway": {"replicas": 2}, "secret": MANY["secret"]}, "use ReadWriteMany"),
        ({**MANY, "networkPolicy": {"redis": {"to": []}}}, "networkPolicy.redis.to is empty"),
        ({"engine": {"replicas": 2}}, "secret.keys.store_url"),
        ({"engine": {"autoscaling": {"by": "keda"}}}, "secret.keys.store_url"),
        ({"secret": {"keys": {"store_url": "store_url"}}}, "go together"),
        ({"gateway": {"terminationGracePeriodSeconds": 54}}, "at least 55"),
        ({"engine": {"terminationGracePeriodSeconds": 64}}, "at least 65"),
        ({"settings": {"render_timeout": 60}}, "shorter than settings.render_timeout (60 s)"),
        ({"settings": {"drain": 90}}, "has to be at least 120"),
        ({"ingress": {"enabled": True}}, "ingress.hosts is empty"),
        ({"ingress": {"enabled": True, "hosts": ["a.example"]}}, "trusted_proxies is 0"),
        ({"mtls": {"enabled": True}}, "mtls.gatewaySecret"),
        ({"mtls": {"enabled": True, "certManager": {"enabled": True}}}, "issuerRef.name is empty"),
        ({"settings": {"otlp_endpoint": "http://collector:4318"}}, "networkPolicy.traces.to is empty"),
        ({"batch": {"enabled": True}}, "batch.claim is empty"),
    ],
)
def test_a_mistake_gets_one_clear_sentence(wrong: Tree, says: str) -> None:
    made = helm("template", "shop", str(CHART), values=wrong)
    assert made.returncode != 0
    assert says in made.stderr
    told = [line for line in made.stderr.splitlines() if says in line]
    assert len(told) == 1


def test_notes_say_what_to_do_next() -> None:
    made = helm("install", "shop", str(CHART), "--namespace", "fashion", "--dry-run=client", *SETS["production"])
    if "cluster unreachable" in made.stderr:
        pytest.skip("this helm (before 4) asks a cluster first: what it would say after installing is not checked")
    assert made.returncode == 0, made.stderr
    notes = made.stdout.partition("NOTES:")[2]
    assert "create secret generic tryon" in notes
    assert '--from-literal=redis_url="$REDIS_URL"' in notes
    assert "https://tryon.example/docs" in notes
    assert "exec deployment/shop-tryon-gateway" in notes
