// Policies that are wrong on purpose: each statement removed, and widened in each way that a statement can be.

/** Every wrong form of a list of statements, with what was done to it and the services of which that says something. */
export function* plants(statements, { resources }) {
  for (const [at, statement] of statements.entries()) {
    const name = statement.Sid ?? `statement ${at + 1}`;
    const instead = (other) => statements.map((one, index) => (index === at ? other : one));
    const services = new Set([statement.Action].flat().map((action) => action.split(":")[0]));
    yield { what: `${name} removed`, services, statements: statements.filter((_, index) => index !== at) };
    for (const [how, other] of widened(statement, resources, services)) yield { what: `${name} ${how}`, services, statements: instead(other) };
  }
}

function* widened(statement, resources, services) {
  const { Condition: _, ...unconditioned } = statement;
  if (statement.Effect === "Allow") {
    if (resources && statement.Resource !== "*") yield ["for every resource", { ...statement, Resource: "*" }];
    for (const service of services) {
      const every = `${service}:*`;
      // A condition would keep it narrow: hardly two actions know the same keys.
      if (statement.Action !== every) yield [`with ${every}`, { ...unconditioned, Action: every }];
    }
    // Where a condition names the principals, the element is free to name all.
    const named = JSON.stringify(statement.Condition ?? {}).includes("aws:PrincipalArn");
    if (statement.Principal && statement.Principal !== "*" && !named) yield ["for every principal", { ...statement, Principal: "*" }];
  }
  for (const [operator, keys] of Object.entries(statement.Condition ?? {})) {
    for (const key of Object.keys(keys)) {
      const { [key]: dropped, ...others } = keys;
      const { [operator]: all, ...rest } = statement.Condition;
      const Condition = Object.keys(others).length ? { ...rest, [operator]: others } : rest;
      const left = Object.keys(Condition).length ? { ...unconditioned, Condition } : unconditioned;
      yield [`without its condition on ${key}`, left];
    }
  }
}
