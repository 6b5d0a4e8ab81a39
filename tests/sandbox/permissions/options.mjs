/** All that has a condition in the template, which the sandbox does without. */
export const OPTIONS = {
  OrganizationSecretKeyArn: "arn:aws:kms:eu-west-1:222222222222:key/00000000-0000-0000-0000-000000000000",
  OrganizationKeyArns: [1, 2].map((n) => `arn:aws:kms:eu-west-1:000000000000:key/00000000-0000-0000-0000-00000000000${n}`).join(),
  ReplicaRegions: "eu-central-1,us-east-1",
  RequestsTopicArn: "arn:aws:sns:eu-west-1:000000000000:requests",
  ProducerAccountIds: "333333333333,444444444444",
  VendorAccountId: "555555555555",
  VendorTenantIds: "one,two",
};
