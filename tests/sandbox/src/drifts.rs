//! Every kind of drift that a reconciliation can find: it is made by hand, found and nothing else with it,
//! repaired or undone, and then nothing is found any more.
//!
//! Whoever makes and undoes it uses the interfaces that everybody has: the vendor's, and those of AWS. Only
//! time is not waited for: where a day has to pass, the dates of that one thing are set back.

mod commands;
mod customers;
mod documents;
mod queues;
mod reconciliation;
mod records;
mod secrets;
mod vendor;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures::future::LocalBoxFuture;

use crate::report::{Report, Seen, seen};
use crate::sandbox::{Options, Sandbox};
use reconciliation::{Finding, Mode, found, reconcile};

/// The customer to whom it all happens.
const DRIFTING: &str = "acme";

/// Another one, of whom nothing must ever be found.
const QUIET: &str = "zenith_7";

/// The cell that both have from the start.
const CELL: &str = "eu-1";

/// The tenants that the vendor grants: as few as leave room for both and for one more at any time.
const QUOTA: usize = 4;

/// How long a replaced application lives on (in production 2 hours).
const OVERLAP: Duration = Duration::from_secs(2);

/// What has waited for so long should not have: the reconciliation's day, and an hour.
const TOO_LONG: Duration = Duration::from_secs(25 * 60 * 60);

/// Something that somebody does to the running system.
type Act<'a> = LocalBoxFuture<'a, Result<()>>;

/// A kind of drift.
struct Drift {
    code: &'static str,
    /// How it comes about.
    make: fn(&Sandbox) -> Act<'_>,
    heal: Heal,
}

/// How it is healed.
enum Heal {
    /// Mode `apply` repairs it. Whether it did is seen where it was broken.
    Apply(fn(&Sandbox) -> Result<()>),
    /// The command is run that the finding names.
    Command,
    /// It is only told: somebody undoes what was done.
    ByHand(for<'a> fn(&'a Sandbox, &'a Finding) -> Act<'a>),
}

/// One for each code, in the order of the table of findings.
const DRIFTS: &[Drift] = &[
    Drift {
        code: "ORPHAN_TENANT",
        make: |sandbox| Box::pin(vendor::make_tenant(sandbox, "somebody")),
        heal: Heal::Command,
    },
    Drift {
        code: "TENANT_LEFT_OVER",
        make: |sandbox| Box::pin(customers::leave_a_tenant(sandbox)),
        heal: Heal::ByHand(|sandbox, finding| Box::pin(vendor::delete_found_tenant(sandbox, finding))),
    },
    Drift {
        code: "UNKNOWN_APPLICATION",
        make: |sandbox| Box::pin(vendor::intrude(sandbox)),
        heal: Heal::ByHand(|sandbox, finding| Box::pin(vendor::delete_found_application(sandbox, finding))),
    },
    Drift {
        code: "RECORD_BEHIND",
        make: |sandbox| Box::pin(customers::lose_what_happened(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "TENANT_DELETED_UPSTREAM",
        make: |sandbox| Box::pin(vendor::delete_our_tenant(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "APPLICATION_DELETED_UPSTREAM",
        make: |sandbox| Box::pin(vendor::delete_our_application(sandbox)),
        heal: Heal::Command,
    },
    Drift { code: "SECRET_MISSING", make: |sandbox| Box::pin(secrets::delete(sandbox)), heal: Heal::Command },
    Drift {
        code: "SECRET_UNREADABLE",
        make: |sandbox| Box::pin(secrets::put(sandbox, "{}".to_owned())),
        heal: Heal::Command,
    },
    Drift {
        code: "CREDENTIAL_REFUSED",
        make: |sandbox| Box::pin(secrets::name_another_client(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "RETIREMENT_DUE",
        make: |sandbox| Box::pin(secrets::rotate_and_wait(sandbox)),
        heal: Heal::Apply(secrets::has_one_application),
    },
    Drift {
        code: "PENDING_TOO_OLD",
        make: |sandbox| Box::pin(secrets::get_stuck(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "ROTATION_OFF",
        make: |sandbox| Box::pin(secrets::turn_off(sandbox)),
        heal: Heal::Apply(secrets::is_rotated),
    },
    Drift {
        code: "ROTATION_OVERDUE",
        make: |sandbox| Box::pin(secrets::miss_rotations(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "CUSTOMER_STUCK",
        make: |sandbox| Box::pin(customers::get_stuck(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "LEASE_ABANDONED",
        make: |sandbox| Box::pin(customers::abandon_a_lease(sandbox)),
        heal: Heal::ByHand(|sandbox, _| Box::pin(customers::ask_again(sandbox))),
    },
    Drift {
        code: "SECRET_WITHOUT_CUSTOMER",
        make: |sandbox| Box::pin(secrets::create_for_nobody(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "QUOTA_HEADROOM",
        make: |sandbox| Box::pin(customers::fill_up(sandbox)),
        heal: Heal::ByHand(|sandbox, _| Box::pin(customers::make_room(sandbox))),
    },
    Drift {
        code: "DOCUMENT_STUCK",
        make: |sandbox| Box::pin(documents::get_stuck(sandbox)),
        heal: Heal::Command,
    },
    Drift {
        code: "DEAD_LETTERS_WAITING",
        make: |sandbox| Box::pin(queues::fail_a_request(sandbox)),
        heal: Heal::Command,
    },
];

/// The sandbox that this story wants: a short overlap, and few tenants.
pub fn options() -> Options {
    let parameters = [("OverlapSeconds", OVERLAP.as_secs().to_string()), ("TenantQuota", QUOTA.to_string())];
    Options {
        vendor: simulator::Settings { quota: QUOTA, ..simulator::Settings::default() },
        parameters: parameters.map(|(name, value)| (name.to_owned(), value)).into(),
        ..Options::default()
    }
}

/// The whole story. The report says what held.
pub async fn run(sandbox: &Sandbox, report: &mut Report) {
    report.chapter("A house in order");
    let signed = customers::two_are_signed(sandbox);
    if report.expect("two customers are signed", signed).await.is_none() {
        return;
    }
    let nothing = async { nothing(sandbox, "start").await.map(|()| seen("nothing is found")) };
    if report.expect("a plan finds nothing", nothing).await.is_none() {
        return;
    }
    report.chapter("Each kind of drift is made by hand, found and healed");
    for drift in DRIFTS {
        let Some(finding) = report.expect(drift.code, from_end_to_end(sandbox, drift)).await else {
            // What is left of it would be found with the next one.
            return;
        };
        report.tell("", finding.explanation());
    }
}

/// A drift is made, found alone, healed, and then nothing is found.
async fn from_end_to_end(sandbox: &Sandbox, drift: &Drift) -> Result<Seen<Finding>> {
    (drift.make)(sandbox).await.context("it is not made")?;
    let finding = found(sandbox, drift.code, Mode::Plan).await?;
    let healed = heal(sandbox, drift, &finding).await.context("it is not healed")?;
    nothing(sandbox, drift.code).await.context("once it was healed")?;
    Ok(seen(format!("found, {healed}, gone")).with(finding))
}

/// Heals it; says how.
async fn heal(sandbox: &Sandbox, drift: &Drift, finding: &Finding) -> Result<&'static str> {
    match drift.heal {
        Heal::Apply(is_done) => {
            let applied = found(sandbox, drift.code, Mode::Apply).await?;
            ensure!(applied.is_repaired(), "{applied}");
            is_done(sandbox).map(|()| "repaired by `apply`")
        }
        Heal::Command => commands::run(sandbox, finding).await.map(|()| "its command run"),
        Heal::ByHand(undo) => undo(sandbox, finding).await.map(|()| "undone by hand"),
    }
}

/// A plan finds nothing at all.
async fn nothing(sandbox: &Sandbox, after: &str) -> Result<()> {
    let findings = reconcile(sandbox, &format!("drifts/{after}/nothing"), Mode::Plan).await?;
    ensure!(findings.is_empty(), "{findings:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{DRIFTS, Heal};
    use crate::places::workspace;

    /// The code and the remedy in each row of the table of findings, which another test holds to the code.
    fn findings() -> Vec<(String, String)> {
        let text = std::fs::read_to_string(workspace().join("infra/README.md")).unwrap();
        let (_, table) = text.split_once("<!-- findings -->\n").unwrap();
        let rows = table.lines().take_while(|line| line.starts_with('|')).skip(2);
        rows.map(|row| {
            let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
            (cells[0].trim_matches('`').to_owned(), cells[2].to_owned())
        })
        .collect()
    }

    #[test]
    fn there_is_a_drift_for_each_code_and_it_is_healed_as_the_table_says() {
        let remedy = |heal: &Heal| match heal {
            Heal::Apply(_) => "repaired by `apply`",
            Heal::Command => "names a command",
            Heal::ByHand(_) => "told",
        };
        let tried: Vec<_> =
            DRIFTS.iter().map(|drift| (drift.code.to_owned(), remedy(&drift.heal).to_owned())).collect();
        assert_eq!(tried, findings());
    }
}
