"""Schemas of what the manifests have of operators, written after their documentation.

They allow only the fields that the manifests use, so that a misspelt one is found. `kubeconform`
and the like have such schemas only in a repository of files, which no registry of packages has.

- `ScaledObject`, `TriggerAuthentication`: KEDA 2.16, "ScaledObject specification",
  "RabbitMQ Queue", "Authentication"
- `RabbitmqCluster`: RabbitMQ's cluster operator 2.11, "Using the RabbitMQ Cluster Operator"
- `Cluster`: CloudNativePG 1.25, "API reference", "Replication"
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

TEXT: Schema = {"type": "string", "minLength": 1}
COUNT: Schema = {"type": "integer", "minimum": 0}
QUANTITY: Schema = {"type": "string", "pattern": r"^\d+(m|Mi|Gi|Ti)?$"}


def _closed(required: dict[str, Schema], **optional: Schema) -> Schema:
    return {
        "type": "object",
        "properties": required | optional,
        "required": list(required),
        "additionalProperties": False,
    }


def _listed(items: Schema) -> Schema:
    return {"type": "array", "items": items, "minItems": 1}


_NAMED = _closed({"name": TEXT})
_RESOURCES = _closed(
    {
        "requests": _closed({"cpu": QUANTITY, "memory": QUANTITY}),
        "limits": _closed({"memory": QUANTITY}),
    }
)
_RULES = _closed(
    {
        "stabilizationWindowSeconds": {"type": "integer", "minimum": 0, "maximum": 3600},
        "policies": _listed(
            _closed(
                {
                    "type": {"enum": ["Pods", "Percent"]},
                    "value": {"type": "integer", "minimum": 1},
                    "periodSeconds": {"type": "integer", "minimum": 1, "maximum": 1800},
                }
            )
        ),
    }
)
# The values of a trigger are texts, numbers too.
_RABBITMQ_TRIGGER = _closed(
    {
        "type": {"const": "rabbitmq"},
        "metadata": _closed(
            {
                "host": {"type": "string", "pattern": "^http://[a-z.]+:15672/$"},
                "protocol": {"const": "http"},
                "mode": {"const": "QueueLength"},
                "queueName": TEXT,
                "value": {"type": "string", "pattern": r"^\d+$"},
            }
        ),
        "authenticationRef": _NAMED,
    }
)

SPECS: dict[tuple[str, str], Schema] = {
    ("keda.sh/v1alpha1", "ScaledObject"): _closed(
        {"scaleTargetRef": _NAMED, "triggers": _listed(_RABBITMQ_TRIGGER)},
        minReplicaCount=COUNT,
        maxReplicaCount=COUNT,
        pollingInterval=COUNT,
        advanced=_closed(
            {
                "horizontalPodAutoscalerConfig": _closed(
                    {"behavior": _closed({"scaleUp": _RULES, "scaleDown": _RULES})}
                )
            }
        ),
    ),
    ("keda.sh/v1alpha1", "TriggerAuthentication"): _closed(
        {
            "secretTargetRef": _listed(
                _closed(
                    {"parameter": {"enum": ["username", "password"]}, "name": TEXT, "key": TEXT}
                )
            )
        }
    ),
    ("rabbitmq.com/v1beta1", "RabbitmqCluster"): _closed(
        {
            # Others than these are not tested by its authors.
            "replicas": {"enum": [1, 3, 5]},
            "persistence": _closed({"storage": QUANTITY}),
            "resources": _RESOURCES,
            "rabbitmq": _closed({"additionalConfig": TEXT}),
        },
        # An Affinity of Kubernetes.
        affinity={"type": "object"},
    ),
    ("postgresql.cnpg.io/v1", "Cluster"): _closed(
        {
            "imageName": TEXT,
            "instances": {"type": "integer", "minimum": 1},
            "bootstrap": _closed({"initdb": _closed({"database": TEXT, "owner": TEXT})}),
            "storage": _closed({"size": QUANTITY}),
            "resources": _RESOURCES,
            "postgresql": _closed(
                {
                    "parameters": {"type": "object", "additionalProperties": TEXT},
                    "synchronous": _closed({"method": {"enum": ["any", "first"]}, "number": COUNT}),
                }
            ),
        }
    ),
}
"""The schemas of `spec`, by version and kind."""

SECRETS = {
    "rabbitmq-default-user": {
        "connection_string", "default_user.conf", "host", "password", "port", "provider", "type",
        "username",
    },
    "postgres-app": {
        "dbname", "fqdn-jdbc-uri", "fqdn-uri", "host", "jdbc-uri", "password", "pgpass", "port",
        "uri", "user", "username",
    },
}  # fmt: skip
"""The keys of the secrets that operators create for a RabbitmqCluster `rabbitmq` and a Cluster
`postgres`."""
