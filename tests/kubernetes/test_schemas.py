"""Every manifest conforms to the schemas of Kubernetes and of the operators."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator, ValidationError
from kubernetes_validate import latest_version
from kubernetes_validate.utils import schema_contents
from referencing import Registry, Resource

from tests.kubernetes.custom_resources import SPECS
from tests.kubernetes.manifests import FOLDER, OVERLAYS, overlay

if TYPE_CHECKING:
    from tests.kubernetes.manifests import Manifest

VERSIONS = ("1.31.0", latest_version())
"""The oldest version of Kubernetes that docs/operations.md names, and the newest with schemas."""


@cache
def definitions(version: str) -> Registry[Any]:
    """The definitions to which the schemas of a version refer. `validate` reads them each time."""
    contents = schema_contents(f"{folder(version)}/_definitions.json", version)
    return Resource.from_contents(contents) @ Registry()


def folder(version: str) -> str:
    return f"kubernetes-json-schema/v{version}-local-strict"


def validate(manifest: Manifest, version: str) -> None:
    group, _, number = manifest["apiVersion"].rpartition("/")
    name = "-".join(filter(None, (manifest["kind"].lower(), group.partition(".")[0], number)))
    schema = schema_contents(f"{folder(version)}/{name}.json", version)
    registry = Resource.from_contents(schema) @ definitions(version)
    Draft202012Validator(schema, registry=registry).validate(manifest)


def of_kubernetes() -> list[Manifest]:
    """Return the different manifests of all overlays, without the resources of operators."""
    manifests = {repr(one): one for name in OVERLAYS for one in overlay(name)}
    return [one for one in manifests.values() if not of_an_operator(one)]


def of_an_operator(manifest: Manifest) -> bool:
    return (manifest["apiVersion"], manifest["kind"]) in SPECS


@pytest.mark.parametrize("version", VERSIONS, ids=["oldest", "newest"])
def test_every_manifest_conforms_to_the_schemas_of_kubernetes(version: str) -> None:
    for manifest in of_kubernetes():
        validate(manifest, version)


def test_the_resources_of_operators_have_only_fields_that_exist() -> None:
    found = [one for one in overlay("cluster") if of_an_operator(one)]
    assert {(one["apiVersion"], one["kind"]) for one in found} == set(SPECS)
    for one in found:
        assert set(one) == {"apiVersion", "kind", "metadata", "spec"}
        Draft202012Validator(SPECS[one["apiVersion"], one["kind"]]).validate(one["spec"])


def test_a_misspelt_field_does_not_conform() -> None:
    gateway = next(one for one in overlay("cluster") if one["kind"] == "Deployment")
    wrong = {**gateway, "spec": {**gateway["spec"], "replica": 2}}
    with pytest.raises(ValidationError, match="replica"):
        validate(wrong, VERSIONS[0])


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_manifest_is_in_the_namespace(name: str) -> None:
    for one in overlay(name):
        if one["kind"] != "Namespace":
            assert one["metadata"]["namespace"] == "csvmill", one["metadata"]["name"]


def test_every_file_is_used() -> None:
    folders = [path.parent for path in FOLDER.rglob("kustomization.yaml")]
    for folder in folders:
        text = (folder / "kustomization.yaml").read_text()
        for path in folder.iterdir():
            assert path.name == "kustomization.yaml" or path.name in text, path
