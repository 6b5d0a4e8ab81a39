"""Deploys the SAM template into the emulator, as `sam package` and `sam deploy` would.

Reads a JSON order from standard input:
  {"change": "CREATE", "UPDATE" or "DELETE", "endpoint", "template", "stack", "region",
   "functions": {name: directory}, "parameters": {...}}
and writes to standard output as JSON what became of it: outputs, resources, and what was changed and
replaced. Called with a template's path instead, it
writes that template in the long form.
"""

import io
import json
import os
import sys
import time
import zipfile

import yaml

# What the emulator refuses or breaks on, and nothing else, is left out of the deployed copy.
# Each line is (resource type, property whose resources go, or None for all of them, why).
LEFT_OUT = [
    ("AWS::S3::BucketPolicy", None, "its TLS-only statement would refuse the sandbox's plain HTTP"),
    ("AWS::Events::Archive", None, "its CloudFormation has no archives"),
    ("AWS::CloudWatch::Alarm", "Metrics", "its alarms know no metric math"),
]

CODE_BUCKET = "sandbox-code"
DEPLOY_SECONDS = 60


def read_template(path):
    """Parses YAML with CloudFormation's short tags into the long form, which is plain data."""

    class Loader(yaml.SafeLoader):
        pass

    def tagged(loader, suffix, node):
        if isinstance(node, yaml.ScalarNode):
            value = loader.construct_scalar(node)
        elif isinstance(node, yaml.SequenceNode):
            value = loader.construct_sequence(node, deep=True)
        else:
            value = loader.construct_mapping(node, deep=True)
        if suffix in ("Ref", "Condition"):
            return {suffix: value}
        if suffix == "GetAtt" and isinstance(value, str):
            value = value.split(".", 1)
        return {"Fn::" + suffix: value}

    Loader.add_multi_constructor("!", tagged)
    with open(path, encoding="utf-8") as file:
        return yaml.load(file, Loader)


def leave_out(template):
    for kind, prop, _why in LEFT_OUT:
        for name, resource in list(template["Resources"].items()):
            if resource["Type"] == kind and (prop is None or prop in resource["Properties"]):
                del template["Resources"][name]


def zipped(directory):
    """A zip of one bootstrap, stored: it travels over loopback only, so compression is time lost."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        entry = zipfile.ZipInfo("bootstrap", date_time=(1980, 1, 1, 0, 0, 0))
        entry.external_attr = 0o755 << 16
        with open(os.path.join(directory, "bootstrap"), "rb") as file:
            archive.writestr(entry, file.read())
    return buffer.getvalue()


def package(template, functions, s3):
    """Uploads what each CodeUri names, and the template with its CodeUris pointing there; where that is."""
    if CODE_BUCKET not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=CODE_BUCKET, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        name = os.path.basename(os.path.normpath(resource["Properties"]["CodeUri"]))
        key = f"{name}.zip"
        s3.put_object(Bucket=CODE_BUCKET, Key=key, Body=zipped(functions[name]))
        resource["Properties"]["CodeUri"] = f"s3://{CODE_BUCKET}/{key}"
    # By its place, as every template has to be that is longer than 51,200 bytes.
    s3.put_object(Bucket=CODE_BUCKET, Key="template.json", Body=json.dumps(template))
    return f"{s3.meta.endpoint_url}/{CODE_BUCKET}/template.json"


def deploy(template_url, order, cloudformation):
    """By a change set, as `sam deploy` does: what it would change, and what is there once it has."""
    stack, name = order["stack"], f"sandbox-{order['change'].lower()}"
    cloudformation.create_change_set(
        StackName=stack,
        ChangeSetName=name,
        ChangeSetType=order["change"],
        TemplateURL=template_url,
        Parameters=[
            {"ParameterKey": key, "ParameterValue": str(value)} for key, value in order["parameters"].items()
        ],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
    )

    def change_set():
        return cloudformation.describe_change_set(StackName=stack, ChangeSetName=name)

    wait(lambda: change_set()["Status"], "CREATE_COMPLETE", "the change set", order, cloudformation)
    changes = [change["ResourceChange"] for change in change_set()["Changes"]]
    cloudformation.execute_change_set(StackName=stack, ChangeSetName=name)
    wait(lambda: status(stack, cloudformation), f"{order['change']}_COMPLETE", "the stack", order, cloudformation)
    there = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    resources = cloudformation.describe_stack_resources(StackName=stack)["StackResources"]
    return {
        "outputs": {output["OutputKey"]: output["OutputValue"] for output in there.get("Outputs", [])},
        "replaced": [change["LogicalResourceId"] for change in changes if change.get("Replacement") == "True"],
        "changed": [change["LogicalResourceId"] for change in changes],
        "resources": {one["LogicalResourceId"]: one["PhysicalResourceId"] for one in resources},
    }


def remove(order, cloudformation):
    """As `aws cloudformation delete-stack` does."""
    stack = cloudformation.describe_stacks(StackName=order["stack"])["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=stack)
    # A stack that is gone is still found by its id.
    wait(lambda: status(stack, cloudformation), "DELETE_COMPLETE", "the stack", order, cloudformation)


def status(stack, cloudformation):
    return cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"]


def wait(look, wanted, what, order, cloudformation):
    give_up = time.monotonic() + DEPLOY_SECONDS
    while (seen := look()) != wanted:
        going_on = seen.endswith(("IN_PROGRESS", "PENDING")) and "ROLLBACK" not in seen
        if not going_on or time.monotonic() > give_up:
            sys.exit("\n".join([f"{what} is {seen}"] + failures(order, cloudformation)))
        time.sleep(0.1)


def failures(order, cloudformation):
    events = cloudformation.describe_stack_events(StackName=order["stack"])["StackEvents"]
    return [
        f"  {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason given')}"
        for event in reversed(events)
        if event["ResourceStatus"].endswith("FAILED")
    ]


def main():
    if len(sys.argv) > 1:
        json.dump(read_template(sys.argv[1]), sys.stdout)
        return
    order = json.load(sys.stdin)

    import boto3  # slow to load, and not needed for reading a template

    def client(service):
        return boto3.client(
            service,
            endpoint_url=order["endpoint"],
            region_name=order["region"],
            aws_access_key_id="test",
            aws_secret_access_key="test",
        )

    if order["change"] == "DELETE":
        remove(order, client("cloudformation"))
        return
    template = read_template(order["template"])
    leave_out(template)
    template_url = package(template, order["functions"], client("s3"))
    json.dump(deploy(template_url, order, client("cloudformation")), sys.stdout)


main()
