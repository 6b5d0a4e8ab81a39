//! What `--keep` prints: commands that work as they stand.

use sandbox::emulator::REGION;
use sandbox::sandbox::Sandbox;

/// How to talk to the running sandbox.
pub(crate) fn instructions(sandbox: &Sandbox) {
    let (endpoint, stack) = (&sandbox.endpoint, &sandbox.stack);
    let (bus, bucket) = (&stack.bus_name, &stack.documents_bucket_name);
    let (vendor, secrets) = (sandbox.simulator.base_url(), sandbox.secrets.url());
    let event = |kind: &str, more: &str| {
        format!(
            r#"{{\"type\":\"{kind}\",\"version\":\"1\",\"request_id\":\"mine-'$(date +%s)'\",\"requested_at\":\"'$(date -u +%FT%TZ)'\",\"customer_id\":\"acme\"{more},\"actor\":\"me\",\"reason\":\"trying it\"}}"#
        )
    };
    let onboarding = event("CustomerOnboardingRequested", r#",\"cells\":[\"eu-1\"]"#);
    let offboarding = event("CustomerOffboardingRequested", "");
    println!(
        r#"
It runs until Ctrl-C.

  AWS (all but secrets)  {endpoint}
  Secrets Manager        {secrets}
  vendor                 {vendor}
  log                    {log}

A customer is signed, a document lands, the customer leaves, with curl:

  curl -s {endpoint}/ -H 'X-Amz-Target: AWSEvents.PutEvents' -H 'Content-Type: application/x-amz-json-1.1' -d '{{"Entries":[{{"EventBusName":"{bus}","Source":"me","DetailType":"CustomerOnboardingRequested","Detail":"{onboarding}"}}]}}'

  printf '%%PDF-1.4 mine' | curl -s -T - '{endpoint}/{bucket}/acme/eu-1/mine.pdf'

  curl -s {endpoint}/ -H 'X-Amz-Target: AWSEvents.PutEvents' -H 'Content-Type: application/x-amz-json-1.1' -d '{{"Entries":[{{"EventBusName":"{bus}","Source":"me","DetailType":"CustomerOffboardingRequested","Detail":"{offboarding}"}}]}}'

What the vendor holds, and what would be left over:

  curl -s {vendor}/_simulator/state
  curl -s {vendor}/_simulator/audit

With the AWS CLI:

  export AWS_ENDPOINT_URL={endpoint} AWS_ENDPOINT_URL_SECRETS_MANAGER={secrets} AWS_REGION={REGION} AWS_DEFAULT_REGION={REGION} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test
  aws s3 cp mine.pdf 's3://{bucket}/acme/eu-1/mine.pdf'
  aws secretsmanager rotate-secret --secret-id resistant/acme/eu-1/credential
  aws dynamodb scan --table-name {customers}
"#,
        customers = stack.customers_table_name,
        log = sandbox.log_path(),
    );
}

/// Shows what the functions announce, for ever.
pub(crate) async fn show_events(sandbox: &Sandbox) {
    println!("What the functions announce on the bus:\n");
    for number in 0.. {
        let event = sandbox.bus.nth(number).await;
        println!("{:<24} {event}", event["type"].as_str().unwrap_or_default());
    }
}
