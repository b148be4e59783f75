"""Who reaches whom: the policies, evaluated as Kubernetes documents them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.kubernetes.manifests import WORKLOADS, container, of_kind, overlay, selects, workload

if TYPE_CHECKING:
    from tests.kubernetes.manifests import Manifest

OWN = {"kubernetes.io/metadata.name": "csvmill"}
OTHERS = {
    "ingress": {"csvmill/clients": "true"},
    "prometheus": {"csvmill/monitoring": "true"},
    "keda": {"kubernetes.io/metadata.name": "keda"},
    "dns": {"kubernetes.io/metadata.name": "kube-system"},
    "cnpg": {"kubernetes.io/metadata.name": "cnpg-system"},
    "rabbitmq-operator": {"kubernetes.io/metadata.name": "rabbitmq-system"},
    "spark": {"csvmill/spark": "true"},
    "stranger": {"kubernetes.io/metadata.name": "default"},
}
"""Pods of other namespaces, by the labels of those."""
BACKENDS = {
    "postgres": {"cnpg.io/cluster": "postgres"},
    "rabbitmq": {"app.kubernetes.io/name": "rabbitmq"},
}
"""Labels that the operators give to their pods."""
LISTENS: dict[str, tuple[int | str, ...]] = {
    **dict.fromkeys(WORKLOADS, ("http",)),
    "postgres": (5432,), "rabbitmq": (5672, 15672), "dns": (53,),
}  # fmt: skip
REACHED = {
    ("ingress", "gateway", "http"),
    *(("prometheus", service, "http") for service in WORKLOADS),
    *((service, "dns", 53) for service in WORKLOADS),
    *((service, "storage", "http") for service in ("gateway", "processor")),
    *((service, "postgres", 5432) for service in ("gateway", "processor")),
    *((service, "rabbitmq", 5672) for service in ("gateway", "processor")),
    ("keda", "rabbitmq", 15672),
    ("cnpg", "postgres", 5432),
    ("rabbitmq-operator", "rabbitmq", 5672),
    ("rabbitmq-operator", "rabbitmq", 15672),
}


class Network:
    """The pods of an overlay and its policies."""

    def __init__(self, manifests: tuple[Manifest, ...]) -> None:
        self.policies = [one["spec"] for one in of_kind(manifests, "NetworkPolicy").values()]
        self.pods = {
            name: workload(manifests, name)["spec"]["template"]["metadata"]["labels"]
            for name in WORKLOADS
        } | BACKENDS

    def reaches(self, source: str, target: str, port: int | str) -> bool:
        """Whether both ends allow the connection."""
        return self._allows("egress", source, target, port) and self._allows(
            "ingress", target, source, port
        )

    def _allows(self, way: str, own: str, other: str, port: int | str) -> bool:
        if own not in self.pods:
            return True  # the rules of other namespaces are not ours
        rules = [
            rule
            for policy in self.policies
            if selects(policy["podSelector"], self.pods[own])
            and way.capitalize() in policy["policyTypes"]
            for rule in policy.get(way, ())
        ]
        restricted = any(
            selects(policy["podSelector"], self.pods[own])
            and way.capitalize() in policy["policyTypes"]
            for policy in self.policies
        )
        peers = "to" if way == "egress" else "from"
        return not restricted or any(
            any(each["port"] == port for each in rule.get("ports", ({"port": port},)))
            and any(self._is(peer, other) for peer in rule.get(peers, ({},)))
            for rule in rules
        )

    def _is(self, peer: Manifest, name: str) -> bool:
        if "ipBlock" in peer:
            return False  # of no pod here
        namespace, labels = (OWN, self.pods[name]) if name in self.pods else (OTHERS[name], {})
        if "namespaceSelector" in peer:
            if not selects(peer["namespaceSelector"], namespace):
                return False
        elif namespace is not OWN:
            return not peer  # a rule without peers is for all
        return selects(peer.get("podSelector", {}), labels)


@pytest.fixture(scope="module")
def network() -> Network:
    return Network(overlay("cluster"))


def test_a_pod_reaches_only_what_it_needs(network: Network) -> None:
    everything = [*network.pods, *OTHERS]
    reached = {
        (source, target, port)
        for source in everything
        for target, ports in LISTENS.items()
        for port in ports
        if source != target
        and network.reaches(source, target, port)
        # What those do that are not ours is not for these policies to say.
        and (source in WORKLOADS or target in network.pods)
    }
    assert reached == REACHED


def test_with_object_storage_storage_alone_reaches_more() -> None:
    with_s3, without = Network(overlay("s3")), Network(overlay("cluster"))
    for source in (*WORKLOADS, *BACKENDS):
        for target in (*WORKLOADS, *BACKENDS, *OTHERS):
            for port in ("http", 53, 5432, 5672, 15672):
                expected = without.reaches(source, target, port)
                assert with_s3.reaches(source, target, port) == expected
    assert with_s3.reaches("storage", "stranger", 443)
    assert not with_s3.reaches("processor", "stranger", 443)
    assert not without.reaches("storage", "stranger", 443)


def test_with_spark_processors_reach_it_and_executors_reach_storage() -> None:
    network = Network(overlay("s3-spark"))
    assert network.reaches("processor", "spark", 15002)
    assert network.reaches("spark", "storage", "http")
    for source, target, port in (
        ("gateway", "spark", 15002),
        ("spark", "gateway", "http"),
        ("spark", "processor", "http"),
        ("spark", "postgres", 5432),
        ("processor", "stranger", 15002),
    ):
        assert not network.reaches(source, target, port), (source, target)


def test_nodes_of_the_backends_reach_each_other(network: Network) -> None:
    for name in BACKENDS:
        assert network.reaches(name, name, 1)


def test_ports_of_policies_are_names_of_ports() -> None:
    for name in WORKLOADS:
        assert [port["name"] for port in container(overlay("cluster"), name)["ports"]] == ["http"]


def test_services_with_external_backends_reach_their_ports_only() -> None:
    network = Network(overlay("external"))
    for source in ("gateway", "processor"):
        for port in (5432, 5671, 5672):
            assert network.reaches(source, "stranger", port)
        assert not network.reaches(source, "stranger", 443)
    assert not network.reaches("storage", "stranger", 5432)
