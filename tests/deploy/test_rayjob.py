"""The Kubernetes manifest of a batch run: its command is one that this package understands, and its pods may do little.

PyYAML comes with schemathesis, of the dev extra.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tryon_service.cli.main import build_parser

yaml = pytest.importorskip("yaml", reason="no PyYAML: pip install -e '.[dev]'")

DEPLOY = Path(__file__).parents[2] / "deploy"
MEGABYTES = {"Mi": 1, "Gi": 1024}


@pytest.fixture(scope="module")
def job() -> Any:
    return yaml.safe_load((DEPLOY / "rayjob.yaml").read_text())


def templates(job: Any) -> Iterator[tuple[str, Any]]:
    """(name, pod spec) of every pod that there will be."""
    spec = job["spec"]
    yield "submitter", spec["submitterPodTemplate"]["spec"]
    yield "head", spec["rayClusterSpec"]["headGroupSpec"]["template"]["spec"]
    for group in spec["rayClusterSpec"]["workerGroupSpecs"]:
        yield group["groupName"], group["template"]["spec"]


def containers(job: Any) -> Iterator[tuple[str, Any]]:
    """KubeRay makes one of the autoscaler's options too."""
    for name, pod in templates(job):
        yield from ((name, one) for one in pod["containers"])
    yield "autoscaler", job["spec"]["rayClusterSpec"]["autoscalerOptions"]


def arguments(job: Any) -> Any:
    """The entrypoint, as `tryon batch` understands it."""
    program, *words = shlex.split(job["spec"]["entrypoint"])
    assert program == "tryon"
    return build_parser().parse_args(words)


def test_it_is_a_ray_job_that_cleans_up(job: Any) -> None:
    spec = job["spec"]
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert spec["shutdownAfterJobFinishes"] is True
    assert spec["ttlSecondsAfterFinished"] > 0
    assert spec["backoffLimit"] >= 1, "a further try goes on"
    assert isinstance(spec["rayClusterSpec"]["rayVersion"], str)


def test_its_command_is_understood(job: Any) -> None:
    args = arguments(job)
    assert args.command == "batch"
    assert (args.engine, args.address) == ("ray", "auto")
    assert args.rights_reference, "nobody is there to be asked"
    assert "\n" not in job["spec"]["entrypoint"], "KubeRay puts it into a line of shell"
    assert not set("'\"$;&|<>") & set(job["spec"]["entrypoint"])


def test_everything_it_reads_and_writes_is_on_the_shared_volume(job: Any) -> None:
    args = arguments(job)
    places = [str(place) for place in (args.catalogue, args.photos, args.out, args.state)]
    for name, pod in templates(job):
        if name == "submitter":
            continue
        claims = {one["name"]: one for one in pod["volumes"] if "persistentVolumeClaim" in one}
        mounts = [one for one in pod["containers"][0]["volumeMounts"] if one["name"] in claims]
        assert all(any(place.startswith(f"{one['mountPath']}/") for one in mounts) for place in places), name
        assert not any(one.get("readOnly") for one in mounts), name


def test_the_cluster_has_room_for_every_actor(job: Any) -> None:
    args, cluster = arguments(job), job["spec"]["rayClusterSpec"]
    assert cluster["enableInTreeAutoscaling"] is True
    assert cluster["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    room = 0
    for group in cluster["workerGroupSpecs"]:
        assert 0 <= group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
        (container,) = group["template"]["spec"]["containers"]
        room += group["maxReplicas"] * int(container["resources"]["limits"]["cpu"])
    assert args.workers * args.threads == room


def test_pods_may_do_little(job: Any) -> None:
    for name, pod in templates(job):
        assert pod["enableServiceLinks"] is False, f"{name}: a Service called tryon-x would be an unknown setting"
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), name
        assert not any("hostPath" in volume for volume in pod["volumes"]), name
        if name != "head":  # whose autoscaler asks for pods
            assert pod["automountServiceAccountToken"] is False, name
    for name, container in containers(job):
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False, name
        assert context["readOnlyRootFilesystem"] is True, name
        assert context["capabilities"] == {"drop": ["ALL"]}, name
        assert "/tmp" in [mount["mountPath"] for mount in container["volumeMounts"]], name


def test_containers_are_limited_and_tell_nobody(job: Any) -> None:
    images = {container["image"] for _, container in containers(job)}
    assert len(images) == 1, "Ray is the same version everywhere"
    for name, container in containers(job):
        assert {"name": "RAY_USAGE_STATS_ENABLED", "value": "0"} in container["env"], name
        requests, limits = (container["resources"][kind] for kind in ("requests", "limits"))
        assert set(requests) == set(limits) == {"cpu", "memory"}, name
        assert megabytes(requests["memory"]) <= megabytes(limits["memory"]), name


def megabytes(text: str) -> int:
    return int(text[:-2]) * MEGABYTES[text[-2:]]


def test_the_readme_names_the_manifest() -> None:
    text = (DEPLOY / "README.md").read_text()
    assert "rayjob.yaml" in text
    for section in ("## Batch on a Ray cluster", "## To ten million pictures"):
        assert section in text
