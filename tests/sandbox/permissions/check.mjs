// Whether every policy of the template grants what is needed and nothing else; and whether this check would notice
// if one did not. `node check.mjs TEMPLATE RECORDING...`: the template in its long form, recordings of the sandbox.

import { existsSync, readFileSync } from "node:fs";
import { allowed } from "./evaluate.mjs";
import { distinct, idleConditions, needs, seenIn } from "./needs.mjs";
import { OPTIONS } from "./options.mjs";
import { plants } from "./plants.mjs";
import { faults as resourceFaults, idle } from "./resources.mjs";
import { faults } from "./roles.mjs";
import { Stack } from "./stack.mjs";
import { things } from "./things.mjs";

const read = (file) => JSON.parse(readFileSync(file));

/** What is known of the stack under some parameters. */
function world(template, recordings, parameters) {
  const stack = new Stack(template, recordings[0], parameters);
  const all = things(stack);
  const { account } = stack.deployed;
  const policies = stack.resourcePolicies();
  const always = { "aws:SecureTransport": "true", "aws:PrincipalAccount": account, "kms:CallerAccount": account };
  // What AWS gives a key that has no policy of ours; of other services it speaks of nothing.
  const byIam = [{ Effect: "Allow", Principal: { AWS: account }, Action: "kms:*", Resource: "*" }];
  const ask = (role, identity, action, { example }, context, policy) => {
    const principal = stack.attribute(`${role}Role`, "Arn");
    const told = { ...always, "aws:PrincipalArn": principal, ...context };
    return allowed({ principal, action, resource: example, account, context: told, identity, policy });
  };
  return {
    stack,
    policies,
    things: all,
    everything: all.find(({ example }) => example === "*"),
    needs: distinct(needs(stack, all, recordings)),
    names: stack.deployed,
    may: (role, identity, action, thing, context) => ask(role, identity, action, thing, context, byIam),
    mayHere: (role, identity, action, thing, context) => {
      const hangs = ({ service, on }) => action.startsWith(`${service}:`) && on.some((arn) => thing.example === arn || thing.example.startsWith(`${arn}/`));
      return ask(role, identity, action, thing, context, policies.find(hangs)?.statements ?? byIam);
    },
  };
}

async function main([template, ...files]) {
  const recordings = files.map(read);
  const settings = [["as in the sandbox", {}], ["with every option", OPTIONS]];
  let wrong = 0;
  const say = (sentence) => {
    wrong += 1;
    console.log(`  ${sentence}`);
  };
  for (const [name, parameters] of settings) {
    const here = world(read(template), recordings, parameters);
    for (const role of here.stack.ids("AWS::Serverless::Function")) {
      const needed = here.needs.filter((need) => need.role === role).length;
      console.log(`${role}, ${name}: ${needed} needs`);
      for (const fault of await faults(here, role, here.stack.rights(role))) say(fault);
    }
    console.log(`${here.policies.length} policies of resources, ${name}`);
    for (const policy of here.policies) {
      for (const fault of await resourceFaults(here.stack, policy, policy.statements)) say(`${policy.id}: ${fault}`);
    }
  }
  const here = world(read(template), recordings, OPTIONS);
  for (const id of idle(here.policies)) say(`admitted.json speaks of ${id}, and there is no such policy`);
  for (const key of idleConditions(here.needs)) say(`conditions.json speaks of ${key}, and no need has it`);
  for (const file of seenIn().filter((file) => !existsSync(file))) say(`rare.json names ${file}, and there is no such file`);
  let planted = 0;
  for (const role of here.stack.ids("AWS::Serverless::Function")) {
    for (const plant of plants(here.stack.rights(role), { resources: true })) {
      planted += 1;
      const [fault] = await faults(here, role, plant.statements, { limit: 1, only: plant.services });
      if (!fault) say(`${role}: ${plant.what}, and nobody notices`);
    }
  }
  for (const policy of here.policies) {
    for (const plant of plants(policy.statements, { resources: false })) {
      planted += 1;
      const [fault] = await resourceFaults(here.stack, policy, plant.statements, 1);
      if (!fault) say(`${policy.id}: ${plant.what}, and nobody notices`);
    }
  }
  console.log(`${planted} planted faults, ${wrong === 0 ? "each found" : `and ${wrong} things wrong`}`);
  return wrong === 0 ? 0 : 1;
}

process.exitCode = await main(process.argv.slice(2));
