// Writes each role's policy as a file of its own, for tools that read policies: `node policies.mjs TEMPLATE RECORDING DIRECTORY`.

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { OPTIONS } from "./options.mjs";
import { Stack } from "./stack.mjs";

const [template, recording, directory] = process.argv.slice(2);
const stack = new Stack(JSON.parse(readFileSync(template)), JSON.parse(readFileSync(recording)), OPTIONS);
mkdirSync(directory, { recursive: true });
for (const role of stack.ids("AWS::IAM::Role")) {
  for (const { PolicyName, PolicyDocument } of stack.properties(role).Policies) {
    writeFileSync(`${directory}/${PolicyName}.json`, JSON.stringify(PolicyDocument, null, 2));
  }
}
