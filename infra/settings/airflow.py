"""The control plane."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from infra.settings.airflow_options import Option, Section, Value, checked
from infra.settings.base import Area, Resources, sized
from infra.settings.grammar.addresses import BaseAddress
from infra.settings.grammar.kubernetes import NodePort, Replicas
from infra.settings.grammar.text import Line, Mail


class Component(Area):
    """A process of the control plane."""

    replicas: Replicas = Field(1, description="Pods.")
    resources: Resources = Field(description="Requests and limits.")


class Scheduler(Component):
    """The scheduler, whose loop makes the task pods."""

    resources: Resources = sized(("200m", "512Mi"), ("2", "1Gi"))


class ApiServer(Component):
    """The API server, which tasks report to and which serves the UI."""

    resources: Resources = sized(("200m", "512Mi"), ("2", "1536Mi"))


class DagProcessor(Component):
    """The DAG processor, which parses DAG files."""

    resources: Resources = sized(("100m", "384Mi"), ("2", "1Gi"))


class Triggerer(Component):
    """The triggerer, which runs deferred tasks' waits and deadlines' callbacks."""

    resources: Resources = sized(("100m", "384Mi"), ("1", "1Gi"))


class Ui(Area):
    """How the API server's Service is reached."""

    service_type: Literal["ClusterIP", "NodePort", "LoadBalancer"] = Field(
        "ClusterIP", description="Type of the Service."
    )
    node_port: NodePort | None = Field(None, description="Port on every node, for NodePort.")

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.node_port is not None and self.service_type != "NodePort":
            raise ValueError('serviceType "NodePort" where nodePort is set')
        return self


class Admin(Area):
    """The first administrator; the password is generated."""

    username: Line = Field("admin", description="User name.")
    email: Mail = Field("admin@example.com", description="Mail address.")


class Airflow(Area):
    """Airflow's control plane."""

    base_url: BaseAddress | None = Field(
        None, description="Address that users see, without a / at its end."
    )
    ui: Ui = Field(default_factory=Ui, description="The API server's Service.")
    admin: Admin = Field(default_factory=Admin, description="First administrator.")
    scheduler: Scheduler = Field(default_factory=Scheduler, description="Scheduler.")
    api_server: ApiServer = Field(default_factory=ApiServer, description="API server and UI.")
    dag_processor: DagProcessor = Field(default_factory=DagProcessor, description="DAG processor.")
    triggerer: Triggerer = Field(default_factory=Triggerer, description="Triggerer.")
    config: Annotated[Mapping[Section, Mapping[Option, Value]], AfterValidator(checked)] = Field(
        default_factory=dict,
        description="Options of airflow.cfg, {section: {option: value}}; what holds a key or a "
        "password is refused: name an Airflow connection in its place. What Airflow describes is "
        "in ConfigMaps, of tasks too where they read the section; any other is a "
        "variable of the control plane alone, and of tasks where tasks.config names it.",
    )
