// The deployed stack: its values, and its policies as AWS would hold them.

import { Resolver } from "./resolve.mjs";

/** The types of resources that grant something to somebody. */
const POLICIES = ["AWS::SQS::QueuePolicy", "AWS::S3::BucketPolicy", "AWS::Events::EventBusPolicy", "AWS::Lambda::Permission"];

export class Stack extends Resolver {
  /** What exists of a type, in the template's order. */
  ids(type) {
    const exists = ({ Type, Condition }) => Type === type && (!Condition || this.holds(Condition));
    return Object.keys(this.template.Resources).filter((id) => exists(this.template.Resources[id]));
  }

  properties(id) {
    return this.value(this.template.Resources[id].Properties);
  }

  /** What a function's role may do. */
  rights(id) {
    return this.properties(`${id}Role`).Policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
  }

  /** The queue that a function is fed from, if it is. */
  queueOf(id) {
    const events = Object.values(this.template.Resources[id].Properties.Events ?? {});
    return events.find(({ Type }) => Type === "SQS")?.Properties.Queue["Fn::GetAtt"][0];
  }

  /** Every policy that hangs on a resource: its name, its statements, and the ARNs of what it hangs on. */
  resourcePolicies() {
    const { Resources } = this.template;
    const types = new Set(Object.values(Resources).map(({ Type }) => Type));
    const strange = [...types].find((type) => /(Policy|Permission|Grant)$/.test(type) && !POLICIES.includes(type));
    if (strange) throw new Error(`${strange}: nothing here reads such policies`);
    const arns = (list) => list.map(({ Ref }) => this.attribute(Ref, "Arn"));
    const document = (id) => this.properties(id).PolicyDocument.Statement;
    return [
      ...this.ids("AWS::SQS::QueuePolicy").map((id) => ({ id, service: "sqs", on: arns(Resources[id].Properties.Queues), statements: document(id) })),
      ...this.ids("AWS::S3::BucketPolicy").map((id) => ({ id, service: "s3", on: arns([Resources[id].Properties.Bucket]), statements: document(id) })),
      ...this.ids("AWS::Events::EventBusPolicy").map((id) => ({ id, service: "events", on: [this.attribute("Bus", "Arn")], statements: [this.properties(id).Statement] })),
      ...this.ids("AWS::KMS::Key").map((id) => ({ id, service: "kms", on: [this.attribute(id, "Arn")], statements: this.properties(id).KeyPolicy.Statement })),
      ...this.ids("AWS::IAM::Role").map((id) => ({ id, service: "sts", on: [this.attribute(id, "Arn")], statements: this.properties(id).AssumeRolePolicyDocument.Statement })),
      ...this.ids("AWS::Lambda::Permission").map((id) => this.permission(id)),
    ];
  }

  /** Lambda writes such a permission into the function's policy in this form. */
  permission(id) {
    const { Action, Principal, SourceArn, SourceAccount } = this.properties(id);
    const Condition = {};
    if (SourceArn) Condition.ArnLike = { "aws:SourceArn": SourceArn };
    if (SourceAccount) Condition.StringEquals = { "aws:SourceAccount": SourceAccount };
    const on = this.attribute(this.template.Resources[id].Properties.FunctionName.Ref, "Arn");
    const statement = { Sid: id, Effect: "Allow", Principal: { Service: Principal }, Action, Resource: on, Condition };
    return { id, service: "lambda", on: [on], statements: [statement] };
  }
}

/** Names in braces, such as `{region}`, replaced in every text of a value. */
export function filled(value, names) {
  const text = JSON.stringify(value).replaceAll(/\{(\w+)\}/g, (whole, name) => names[name] ?? whole);
  return JSON.parse(text);
}
