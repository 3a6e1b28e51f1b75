"""docs/aws: no account is needed to see that the templates are valid and that all they name is in the project."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

import reelgraph
from api.routes import health
from api.settings import KEY_LENGTH, Settings
from graph.stores.gremlin_place import Place
from loaders.refresh_command import FRESH
from tests.test_containers import ROOT, stages

FOLDER = ROOT / "docs" / "aws"


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms: `!Ref a` becomes {"Ref": "a"}."""


def _short_form(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    else:
        assert isinstance(node, yaml.MappingNode)
        value = loader.construct_mapping(node, deep=True)
    return {suffix if suffix == "Ref" else f"Fn::{suffix}": value}


_Loader.add_multi_constructor("!", _short_form)
TEMPLATES: dict[str, dict[str, Any]] = {
    path.stem: yaml.load(path.read_text("utf-8"), _Loader)  # noqa: S506 (a safe loader of our own)
    for path in sorted(FOLDER.glob("*.yaml"))
}


def resources(kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every resource of a type in any template: its name and its properties."""
    for name, template in TEMPLATES.items():
        for one, resource in template["Resources"].items():
            if resource["Type"] == kind:
                yield f"{name}.{one}", resource.get("Properties", {})


CONTAINERS = {
    container["Name"]: container
    for _, task in resources("AWS::ECS::TaskDefinition")
    for container in task["ContainerDefinitions"]
}


def statements() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every statement of every policy of a role."""
    for name, role in resources("AWS::IAM::Role"):
        for policy in role.get("Policies", []):
            yield from ((name, one) for one in policy["PolicyDocument"]["Statement"])
    for name, policy in resources("AWS::IAM::ManagedPolicy"):
        yield from ((name, one) for one in policy["PolicyDocument"]["Statement"])


def command_of(name: str) -> list[str]:
    """What stands behind `reelgraph` in a container; what another stack gives has some value."""
    words = [word if isinstance(word, str) else word["Fn::Sub"][0] for word in CONTAINERS[name]["Command"]]
    return [re.sub(r"\$\{\w+\}", "some-bucket", word) for word in words]


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lint(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).parent / "cfn-lint", *paths]
    return subprocess.run(command, capture_output=True, text=True)


def test_the_templates_are_valid(tmp_path: Path) -> None:
    done = lint(*sorted(FOLDER.glob("*.yaml")))
    assert (done.returncode, done.stdout) == (0, "")
    wrong, text = tmp_path / "wrong.yaml", (FOLDER / "data.yaml").read_text("utf-8")
    wrong.write_text(text.replace("StorageEncrypted: true", "StorageEncripted: true"), "utf-8")
    assert lint(wrong).returncode != 0


def test_what_a_stack_takes_from_another_is_what_that_one_gives() -> None:
    stacks = {"Data": "data", "Refresh": "refresh", "Service": "service"}
    given = {
        (name, output["Export"]["Name"]["Fn::Sub"].removeprefix("${AWS::StackName}-"))
        for name, template in TEMPLATES.items()
        for output in template.get("Outputs", {}).values()
        if "Export" in output
    }
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.yaml"))
    taken = re.findall(r'!ImportValue \{"Fn::Sub": "\$\{(\w+)\}-([\w-]+)"\}', text)
    assert len(taken) == text.count("!ImportValue")
    assert {(stacks[parameter], suffix) for parameter, suffix in taken} == given
    for template in TEMPLATES.values():
        for parameter in stacks.keys() & template["Parameters"].keys():
            assert template["Parameters"][parameter]["Default"] == f"reelgraph-{stacks[parameter]}"


@pytest.mark.parametrize("name", ["service", "refresh"])
def test_every_command_is_one_of_the_command_line(name: str) -> None:
    words = command_of(name)
    group = typer.main.get_command(reelgraph.app)
    command = group.commands[words[0]]  # type: ignore[attr-defined]
    with command.make_context(words[0], words[1:]) as context:
        assert context.params
    with pytest.raises(reelgraph._UsageError, match="No such option"):
        command.make_context(words[0], [*words[1:], "--of-no-command"])


def test_every_variable_is_a_setting_and_every_secret_comes_from_secrets_manager() -> None:
    for name in ("service", "refresh"):
        for variable in CONTAINERS[name]["Environment"]:
            if variable["Name"].startswith("REELGRAPH_"):
                assert variable["Name"].removeprefix("REELGRAPH_").lower() in Settings.model_fields
            else:
                assert variable["Name"] in ("FORWARDED_ALLOW_IPS", "TMPDIR")  # uvicorn's and the system's
            assert not re.search("KEY|PASSWORD|SECRET", variable["Name"])
    assert CONTAINERS["service"]["Secrets"] == [{"Name": "REELGRAPH_API_KEY", "ValueFrom": {"Ref": "ApiKey"}}]
    assert Settings.model_fields["api_key"]
    ((_, secret),) = resources("AWS::SecretsManager::Secret")
    assert secret["GenerateSecretString"]["PasswordLength"] >= KEY_LENGTH


def test_the_store_is_an_address_that_the_project_understands() -> None:
    url = TEMPLATES["data"]["Outputs"]["Store"]["Value"]["Fn::Sub"]
    for name, value in (
        ("Graph.Endpoint", "w.example"),
        ("Graph.ReadEndpoint", "r.example"),
        ("AWS::Region", "eu-west-1"),
    ):
        url = url.replace(f"${{{name}}}", value)
    place = Place.of(url)
    assert (place.writer, place.reader) == ("wss://w.example:8182/gremlin", "wss://r.example:8182/gremlin")
    assert place.signing is not None
    assert place.signing.region == "eu-west-1"
    ((_, group),) = [(name, one) for name, one in resources("AWS::EC2::SecurityGroup") if name == "data.NeptuneGroup"]
    assert [rule["FromPort"] for rule in group["SecurityGroupIngress"]] == [8182]


def test_ports_and_routes_are_those_that_are_listened_to() -> None:
    service = CONTAINERS["service"]
    port = int(service["Command"][service["Command"].index("--port") + 1])
    ((_, target),) = resources("AWS::ElasticLoadBalancingV2::TargetGroup")
    ((_, ingress),) = resources("AWS::EC2::SecurityGroupIngress")
    ((_, ecs),) = resources("AWS::ECS::Service")
    told = [service["PortMappings"][0]["ContainerPort"], target["Port"], ingress["FromPort"], ingress["ToPort"],
            ecs["LoadBalancers"][0]["ContainerPort"], int(dict(stages()["serve"])["EXPOSE"])]  # fmt: skip
    assert told == [port] * 6
    (path,) = re.findall(rf"http://127\.0\.0\.1:{port}(/[a-z/]+)", service["HealthCheck"]["Command"][-1])
    assert {path, target["HealthCheckPath"]} <= {route.path for route in health.router.routes}  # type: ignore[attr-defined]
    assert (path, target["HealthCheckPath"], ecs["DesiredCount"]) == ("/health/live", "/health/ready", 2)
    compile(service["HealthCheck"]["Command"][-1], "healthcheck", "exec")


def test_files_belong_to_the_user_of_the_images_and_models_are_those_that_come_along() -> None:
    ((_, access),) = resources("AWS::EFS::AccessPoint")
    user = [rest for word, rest in stages()["serve"] if word == "USER"][-1]
    assert {*access["PosixUser"].values(), access["RootDirectory"]["CreationInfo"]["OwnerUid"]} == {user}
    given = dict(word.split("=", 1) for word in command_of("refresh")[1:])
    mounted = CONTAINERS["refresh"]["MountPoints"][0]["ContainerPath"]
    for option in ("--dir", "--runs", "--config", "--catalog"):
        assert given[option].startswith(f"{mounted}/")
    assert (ROOT / "configs" / Path(given["--config"]).name).exists()
    assert given["--bulk"] == "s3://some-bucket/load"


def test_the_alarm_looks_for_what_a_refresh_prints() -> None:
    ((_, watch),) = resources("AWS::Logs::MetricFilter")
    assert watch["FilterPattern"] == json.dumps(FRESH)
    ((_, alarm),) = [(name, one) for name, one in resources("AWS::CloudWatch::Alarm") if name == "alarms.GraphIsOld"]
    (transformed,) = watch["MetricTransformations"]
    assert (alarm["Namespace"], alarm["MetricName"]) == (transformed["MetricNamespace"], transformed["MetricName"])
    ((_, rule),) = resources("AWS::Events::Rule")
    ((_, task),) = [(name, one) for name, one in resources("AWS::ECS::TaskDefinition") if name.startswith("refresh")]
    assert rule["EventPattern"]["detail"]["group"] == [{"Fn::Sub": "family:${Refresh}"}]
    assert task["Family"] == {"Ref": "AWS::StackName"}


def test_rights_are_the_least() -> None:
    for name, one in statements():
        assert one["Effect"] == "Allow"
        for action in listed(one["Action"]):
            assert not re.search(r":\*|^\*", action), f"{name} may {action}"
            if "*" in listed(one["Resource"]):
                assert action == "ecr:GetAuthorizationToken", f"{name} may {action} anywhere"
    may = {name: {action for who, one in statements() if who == name for action in listed(one["Action"])}
           for name, _ in statements()}  # fmt: skip
    assert may["data.GraphAccess"] == {f"neptune-db:{what}DataViaQuery" for what in ("Read", "Write", "Delete")}
    assert may["data.LoadRole"] == {"s3:GetObject", "s3:ListBucket"}
    assert may["refresh.ScheduleRole"] == {"ecs:RunTask", "iam:PassRole"}
    assert "secretsmanager:GetSecretValue" not in may["refresh.StartRole"]
    assert "service.TaskRole" not in may  # but for the graph, nothing
    for name, role in resources("AWS::IAM::Role"):
        (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
        assert "aws:SourceAccount" in trust["Condition"]["StringEquals"], name


def test_everything_is_encrypted_and_nothing_but_the_balancer_is_public() -> None:
    ((_, graph),) = resources("AWS::Neptune::DBCluster")
    assert graph["StorageEncrypted"] is graph["IamAuthEnabled"] is graph["DeletionProtection"] is True
    ((_, bucket),) = resources("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"][0]["ServerSideEncryptionByDefault"]
    ((_, files),) = resources("AWS::EFS::FileSystem")
    assert files["Encrypted"] is True
    for _, task in resources("AWS::ECS::TaskDefinition"):
        for volume in task.get("Volumes", []):
            assert volume["EFSVolumeConfiguration"]["TransitEncryption"] == "ENABLED"
    text = "".join(path.read_text("utf-8") for path in FOLDER.glob("*.yaml"))
    assert set(re.findall(r"AssignPublicIp: (\w+)", text)) == {"DISABLED"}
    public = [name for name, group in resources("AWS::EC2::SecurityGroup") if "CidrIp" in json.dumps(group)]
    assert public == ["service.BalancerGroup"]
    assert not re.search(r"\b\d{12}\b", text)  # nobody's account


def test_the_page_names_every_template_and_what_was_not_run() -> None:
    page = (ROOT / "docs" / "deploy-aws.md").read_text("utf-8")
    for name in TEMPLATES:
        assert f"aws/{name}.yaml" in page
    assert "Not run" in page
