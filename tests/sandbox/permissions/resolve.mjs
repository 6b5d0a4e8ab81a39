// CloudFormation's intrinsic functions, as far as the template's policies use them. Anything else is an error.

/** Resolves values of a template that was deployed: `deployed` has region, account, stack, parameters and resources. */
export class Resolver {
  constructor(template, deployed, parameters) {
    this.template = template;
    this.deployed = deployed;
    const defaults = Object.entries(template.Parameters).map(([name, { Default }]) => [name, Default]);
    this.parameters = { ...Object.fromEntries(defaults), ...deployed.parameters, ...parameters };
    this.pseudo = {
      "AWS::Region": deployed.region,
      "AWS::AccountId": deployed.account,
      "AWS::Partition": "aws",
      "AWS::StackName": deployed.stack,
    };
  }

  /** The value, or `undefined` for `AWS::NoValue`. */
  value(node) {
    if (Array.isArray(node)) return node.map((one) => this.value(one)).filter((one) => one !== undefined);
    if (node === null || typeof node !== "object") return node;
    const [[name, operand], ...more] = Object.entries(node);
    if (more.length === 0 && (name === "Ref" || name.startsWith("Fn::"))) return this.intrinsic(name, operand);
    const entries = Object.entries(node).map(([key, one]) => [key, this.value(one)]);
    return Object.fromEntries(entries.filter(([, one]) => one !== undefined));
  }

  intrinsic(name, operand) {
    switch (name) {
      case "Ref":
        return this.ref(operand);
      case "Fn::GetAtt":
        return this.attribute(...operand);
      case "Fn::Sub":
        return operand.replaceAll(/\$\{([^}]+)\}/g, (_, inner) => {
          const [id, attribute] = inner.split(".");
          return attribute ? this.attribute(id, attribute) : this.ref(id);
        });
      case "Fn::Split": {
        const [separator, text] = operand;
        return this.value(text).split(separator);
      }
      case "Fn::If": {
        const [condition, yes, no] = operand;
        return this.value(this.holds(condition) ? yes : no);
      }
      default:
        throw new Error(`${name} is not known here`);
    }
  }

  ref(id) {
    if (id === "AWS::NoValue") return undefined;
    const found = this.pseudo[id] ?? this.parameters[id] ?? this.deployed.resources[id];
    if (found === undefined) throw new Error(`Ref ${id} names nothing`);
    return String(found);
  }

  holds(condition) {
    const test = (node) => {
      if (node.Condition) return this.holds(node.Condition);
      if (node["Fn::Not"]) return !test(node["Fn::Not"][0]);
      if (node["Fn::And"]) return node["Fn::And"].every(test);
      if (node["Fn::Equals"]) {
        const [one, other] = node["Fn::Equals"].map((side) => this.value(side));
        return one === other;
      }
      throw new Error(`the condition ${JSON.stringify(node)} is not known here`);
    };
    return test(this.template.Conditions[condition]);
  }

  attribute(id, attribute) {
    const { Type, Properties } = this.template.Resources[id] ?? {};
    const { region, account } = this.deployed;
    const physical = this.deployed.resources[id];
    const arn = (service, rest) => `arn:aws:${service}:${region}:${account}:${rest}`;
    const arns = {
      "AWS::SQS::Queue": () => arn("sqs", physical.split("/").at(-1)),
      "AWS::DynamoDB::Table": () => arn("dynamodb", `table/${physical}`),
      "AWS::S3::Bucket": () => `arn:aws:s3:::${physical}`,
      "AWS::KMS::Key": () => arn("kms", `key/${physical}`),
      "AWS::Events::EventBus": () => arn("events", `event-bus/${physical}`),
      "AWS::Logs::LogGroup": () => arn("logs", `log-group:${physical}:*`),
      "AWS::Events::Rule": () => arn("events", `rule/${physical}`),
      "AWS::IAM::Role": () => `arn:aws:iam::${account}:role/${physical ?? `${this.deployed.stack}-${id}-ABCDEFGHIJKL`}`,
      "AWS::Serverless::Function": () => arn("lambda", `function:${this.value(Properties.FunctionName)}`),
    };
    if (attribute !== "Arn" || !arns[Type]) throw new Error(`${id}.${attribute} is not known here`);
    return arns[Type]();
  }
}
