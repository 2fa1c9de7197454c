"""What helm makes of the chart: pods that are let do little, find each other, stop in time and start with settings that
the service itself accepts. Without helm on the PATH all of it is skipped.
"""

from __future__ import annotations

import importlib.util
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chart_files import CHART, DEPLOY, SETS, VALUES, Tree, helm, pod_templates, read, rendered

from tryon_service.cli.engine import ENDING
from tryon_service.cli.main import build_parser
from tryon_service.engine.supervisor import START
from tryon_service.settings import Settings, load

OF_OTHERS = {"Certificate", "PodMonitor", "RayJob", "ScaledObject", "ServiceMonitor"}
"""Kinds that Kubernetes itself doesn't have."""
SECRETS = {
    "secrets": "k1:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    "redis_url": "redis://redis:6379/0",
    "store_url": "s3://bucket/prefix",
    "index_url": "redis://redis-products:6379/0",
}
"""What a Secret would have."""


@pytest.fixture(scope="module", params=SETS)
def objects(request: pytest.FixtureRequest) -> list[Tree]:
    return rendered(*SETS[request.param])


def of_kind(objects: list[Tree], kind: str) -> list[Tree]:
    return [one for one in objects if one["kind"] == kind]


def named(objects: list[Tree], kind: str, name: str) -> Tree:
    return next(one for one in of_kind(objects, kind) if one["metadata"]["name"] == name)


def containers(objects: list[Tree]) -> Iterator[tuple[str, Tree]]:
    for name, pod in pod_templates(objects).items():
        yield from ((name, one) for one in pod["spec"]["containers"])
    for job in of_kind(objects, "RayJob"):  # KubeRay makes a container of these
        yield "autoscaler", job["spec"]["rayClusterSpec"]["autoscalerOptions"]


def container(objects: list[Tree], part: str) -> Tree:
    found: Tree = pod_templates(objects)[f"shop-tryon-{part}"]["spec"]["containers"][0]
    return found


def environment(objects: list[Tree], part: str, folder: Path) -> dict[str, str]:
    """What the container's process has in its environment, with the Secret's files in the folder."""
    one = container(objects, part)
    found: dict[str, str] = {}
    for source in one["envFrom"]:
        if "configMapRef" in source:
            found |= named(objects, "ConfigMap", source["configMapRef"]["name"])["data"]
    for variable in one["env"]:
        text = variable["value"]
        if variable["name"].endswith("_FILE"):
            file = folder / Path(text).name
            file.write_text(SECRETS[file.name])
            text = str(file)
        found[variable["name"]] = text
    return found


@pytest.mark.parametrize("name", SETS)
def test_helm_finds_no_fault(name: str) -> None:
    made = helm("lint", "--strict", str(CHART), *SETS[name])
    assert made.returncode == 0, made.stdout + made.stderr


def test_kubernetes_takes_what_is_made(objects: list[Tree]) -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        pytest.skip("no kubernetes-validate: what helm makes is not checked against the schemas of Kubernetes")
    import kubernetes_validate

    version = kubernetes_validate.latest_version()
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": pod["spec"]}
        for name, pod in pod_templates(objects).items()
    ]
    for one in (*(one for one in objects if one["kind"] not in OF_OTHERS), *pods):
        kubernetes_validate.validate(one, version, strict=True)


def test_names_and_namespaces_are_the_releases_own(objects: list[Tree]) -> None:
    identities = [(one["kind"], one["metadata"]["name"]) for one in objects]
    assert len(identities) == len(set(identities))
    for one in objects:
        assert one["metadata"]["name"].startswith("shop-tryon")
        assert "namespace" not in one["metadata"]
        assert one["metadata"]["labels"]["app.kubernetes.io/instance"] == "shop"


def test_containers_may_do_little(objects: list[Tree]) -> None:
    for name, one in containers(objects):
        security = one["securityContext"]
        assert security["allowPrivilegeEscalation"] is False, name
        assert security["readOnlyRootFilesystem"] is True, name
        assert security["capabilities"] == {"drop": ["ALL"]}, name
        assert one["resources"]["requests"]["cpu"], name
        assert one["resources"]["limits"]["memory"], name
    for name, pod in pod_templates(objects).items():
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True, name
        assert pod["spec"]["securityContext"]["runAsUser"] > 0, name
        assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert pod["spec"]["enableServiceLinks"] is False, f"{name}: a Service's variables look like settings"
        assert not {"hostNetwork", "hostPID", "hostIPC", "hostUsers"} & set(pod["spec"]), name
        assert not [volume for volume in pod["spec"]["volumes"] if "hostPath" in volume], name


def test_no_pod_has_a_token_but_the_head_of_ray(objects: list[Tree]) -> None:
    with_token = {
        name for name, pod in pod_templates(objects).items() if pod["spec"].get("automountServiceAccountToken", True)
    }
    assert with_token <= {"head"}
    assert all(one["automountServiceAccountToken"] is False for one in of_kind(objects, "ServiceAccount"))


def test_what_is_mounted_is_there_and_all_of_it(objects: list[Tree]) -> None:
    claims = {one["metadata"]["name"] for one in of_kind(objects, "PersistentVolumeClaim")} | {"tryon-catalogue"}
    for name, pod in pod_templates(objects).items():
        volumes = {one["name"]: one for one in pod["spec"]["volumes"]}
        mounts = [mount["name"] for one in pod["spec"]["containers"] for mount in one["volumeMounts"]]
        assert set(mounts) == set(volumes), name
        for one in volumes.values():
            assert one.get("persistentVolumeClaim", {}).get("claimName", "tryon-catalogue") in claims, name


def test_nothing_that_a_shopper_sends_can_reach_a_disk(objects: list[Tree]) -> None:
    for part in ("gateway", "engine"):
        volumes = {one["name"]: one for one in pod_templates(objects)[f"shop-tryon-{part}"]["spec"]["volumes"]}
        assert volumes["tmp"]["emptyDir"]["medium"] == "Memory"
        assert volumes["tmp"]["emptyDir"]["sizeLimit"]


@pytest.mark.parametrize("part", ["gateway", "engine"])
def test_the_service_accepts_its_environment(objects: list[Tree], part: str, tmp_path: Path) -> None:
    found = environment(objects, part, tmp_path)
    settings = load(found)
    assert settings.data == Path("/var/lib/tryon")
    assert settings.secrets == SECRETS["secrets"]
    mounted = {mount["mountPath"] for mount in container(objects, part)["volumeMounts"]}
    written = [settings.data, settings.runtime, Path(found["HOME"])]
    for path in written:
        assert any(path.is_relative_to(mount) for mount in mounted), path
    for name, mark in (("redis_url", part == "engine"), ("store_url", part == "gateway")):
        assert not (mark and getattr(settings, name)), f"the {part} has no use for {name}"


def test_gateways_find_every_engine(objects: list[Tree], tmp_path: Path) -> None:
    gateway, engine = (load(environment(objects, part, tmp_path)) for part in ("gateway", "engine"))
    host, _, port = gateway.engine.removeprefix("dns:///").partition(":")
    assert gateway.engine.startswith("dns:///"), "every address of the name, not one of them"
    service = named(objects, "Service", host)["spec"]
    assert service["clusterIP"] == "None"
    assert service["ports"][0]["port"] == int(port) == int(engine.engine.rpartition(":")[2])
    assert bool(gateway.engine_ca) == bool(engine.engine_cert)
    for one in of_kind(objects, "Certificate"):
        if one["metadata"]["name"].endswith("engine-tls"):
            assert {host, "localhost"} <= set(one["spec"]["dnsNames"])


def test_everything_that_selects_finds_its_pods(objects: list[Tree]) -> None:
    labels = {name: pod["metadata"]["labels"] for name, pod in pod_templates(objects).items() if "shop-" in name}
    for one in objects:
        spec = one.get("spec", {})
        selector = spec.get("selector") or spec.get("podSelector")
        if one["kind"] == "PersistentVolumeClaim" or not selector:
            continue
        selector = selector.get("matchLabels", selector)
        found = [name for name, own in labels.items() if selector.items() <= own.items()]
        assert found == [one["metadata"]["name"]], one["kind"]
    for one in (*of_kind(objects, "HorizontalPodAutoscaler"), *of_kind(objects, "ScaledObject")):
        target = named(objects, "Deployment", one["spec"]["scaleTargetRef"]["name"])
        assert "replicas" not in target["spec"], "an update would undo the scaling"


def test_only_the_gateway_reaches_the_engine(objects: list[Tree]) -> None:
    engine = container(objects, "engine")
    ports = {one["name"]: one["containerPort"] for one in engine["ports"]}
    policy = named(objects, "NetworkPolicy", "shop-tryon-engine")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    callers = [rule for rule in policy["ingress"] if {"protocol": "TCP", "port": ports["grpc"]} in rule["ports"]]
    assert len(callers) == 1
    (peer,) = callers[0]["from"]
    assert peer["podSelector"]["matchLabels"]["app.kubernetes.io/component"] == "gateway"
    assert "namespaceSelector" not in peer
    assert all(rule.get("from") for rule in policy["ingress"]), "nothing is open to everybody"


def test_nothing_goes_out_but_where_it_has_to(objects: list[Tree]) -> None:
    for policy in of_kind(objects, "NetworkPolicy"):
        for rule in policy["spec"]["egress"]:
            assert rule["to"], policy["metadata"]["name"]
            assert rule["ports"], policy["metadata"]["name"]
    egress = named(objects, "NetworkPolicy", "shop-tryon-engine")["spec"]["egress"]
    gateway = {"app.kubernetes.io/component": "gateway"}.items()
    peers = [peer.get("podSelector", {}).get("matchLabels", {}) for rule in egress for peer in rule["to"]]
    assert not any(gateway <= one.items() for one in peers)


def test_probes_ask_what_is_there_and_have_patience(objects: list[Tree]) -> None:
    for part in ("gateway", "engine"):
        one = container(objects, part)
        ports = {port["name"]: port["containerPort"] for port in one["ports"]}
        for probe in (one["startupProbe"], one["readinessProbe"], one["livenessProbe"]):
            if "httpGet" in probe:
                assert probe["httpGet"]["port"] in ports
            elif "grpc" in probe:
                assert probe["grpc"]["port"] == ports["grpc"]
            else:
                assert f"TRYON_ENGINE=localhost:{ports['grpc']}" in probe["exec"]["command"]
                compile(probe["exec"]["command"][-1], "probe", "exec")
    engine = container(objects, "engine")
    assert ("grpc" in engine["readinessProbe"]) != any(one["name"] == "TRYON_ENGINE_CERT" for one in engine["env"])
    for kind in ("startupProbe", "livenessProbe"):
        patience = engine[kind]["periodSeconds"] * engine[kind]["failureThreshold"]
        assert patience > START, f"{kind}: a worker that is replaced would be killed halfway"


def test_stopping_pods_have_time(objects: list[Tree], tmp_path: Path) -> None:
    for part, ending in (("gateway", 5.0), ("engine", ENDING)):
        settings: Settings = load(environment(objects, part, tmp_path))
        pause = container(objects, part)["lifecycle"]["preStop"]["sleep"]["seconds"]
        given = pod_templates(objects)[f"shop-tryon-{part}"]["spec"]["terminationGracePeriodSeconds"]
        assert given > pause + settings.drain + ending
        assert settings.drain >= settings.render_timeout


def test_the_batch_is_the_one_by_hand(tmp_path: Path) -> None:
    (job,) = of_kind(rendered(*SETS["production"]), "RayJob")
    program, *words = shlex.split(job["spec"]["entrypoint"])
    by_hand = read(DEPLOY / "rayjob.yaml")["spec"]
    assert program == "tryon"
    assert build_parser().parse_args(words) == build_parser().parse_args(shlex.split(by_hand["entrypoint"])[1:])
    assert normal(job["spec"]) == normal(by_hand)


def normal(node: Any) -> Any:
    """Without what differs by right: images, labels, the command's line breaks, and what guards against Services."""
    if isinstance(node, list):
        return [normal(one) for one in node]
    if not isinstance(node, dict):
        return node
    apart = {"image", "imagePullPolicy", "metadata", "entrypoint", "enableServiceLinks"}
    return {key: normal(value) for key, value in node.items() if key not in apart}


def test_a_change_of_settings_replaces_those_pods_and_no_others() -> None:
    def marks(**settings: Any) -> dict[str, str]:
        pods = pod_templates(rendered(values={"gateway": {"settings": settings}}))
        return {name: pod["metadata"]["annotations"]["tryon/settings"] for name, pod in pods.items()}

    before, after = marks(), marks(threads=8)
    assert before["shop-tryon-gateway"] != after["shop-tryon-gateway"]
    assert before["shop-tryon-engine"] == after["shop-tryon-engine"]


def test_large_numbers_stay_numbers() -> None:
    data = named(rendered(), "ConfigMap", "shop-tryon-engine")["data"]
    assert data["TRYON_WORKER_MEMORY"] == str(read(VALUES)["engine"]["settings"]["worker_memory"])
