"""Checks each schema of infra/schemas.yaml as an OpenAPI document, by a validator that nobody here wrote."""
import json
import sys

from openapi_spec_validator import OpenAPIV30SpecValidator
from samcli.yamlhelper import yaml_parse

template = yaml_parse(open(sys.argv[1]).read())
schemas = {
    name: resource["Properties"]
    for name, resource in template["Resources"].items()
    if resource["Type"] == "AWS::EventSchemas::Schema"
}
assert schemas, "there is no schema"
for name, schema in schemas.items():
    OpenAPIV30SpecValidator(json.loads(schema["Content"])).validate()
    assert len(schema["Content"]) <= 100_000, f"{name} is longer than the registry takes"
print(f"{len(schemas)} schemas are OpenAPI 3.0")
