//! What a flow does when somebody else was at the vendor.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on ends")]

use laboratory::delivery::Work;
use laboratory::fault::Fault;
use laboratory::lab::{Lab, Setup};
use laboratory::scenarios::ONE;

mod asked;

use asked::{MORE, OFF, event, lab_with, on, ours};

#[test]
fn a_flow_certifies_no_removal_of_a_tenant_that_is_listed_under_another_name() {
    let lab = lab_with(&[on(ONE)]);
    let tenant = ours(&lab);
    lab.world().vendor.rename(&tenant, "renamed");
    lab.world().ask(&OFF());
    let first = Work::Message(lab.world().queue[0].id);
    lab.deliver(first, vec![]);
    let work = Work::Message(lab.world().queue[0].id);
    let deleted = lab.first(&work, "deleteTenant");
    lab.deliver(work, vec![(deleted, Fault::ListedLate)]);
    assert_eq!(lab.world().bus.last().unwrap().detail_type(), "CustomerOnboarded", "it is still listed");
    lab.run(&[]).unwrap();
    let certificate = event(&lab.world())["certificate"].clone();
    assert_eq!(certificate["tenants_listed"], 1, "{certificate}");
    assert_eq!(certificate["secrets"].as_array().unwrap().len(), 1, "{certificate}");
}

#[test]
fn a_flow_survives_that_its_tenant_was_deleted_by_hand() {
    let cut_off = Some((9, Fault::CrashAfter));
    for (what, fault, ask, expected) in [
        ("offboarding", None, OFF(), "CustomerOffboarded"),
        ("more cells", None, MORE(), "CustomerOnboarded"),
        ("in the middle of an onboarding", cut_off, on(ONE), "CustomerOnboardingFailed"),
    ] {
        let lab = Lab::new(Setup::default());
        lab.world().ask(&on(ONE));
        let id = lab.world().queue[0].id;
        lab.deliver(Work::Message(id), fault.into_iter().collect());
        let tenant = ours(&lab);
        lab.world().delete_upstream(&tenant);
        if fault.is_none() {
            lab.world().ask(&ask);
        }
        let ended = lab.run(&[]);
        assert!(ended.is_ok(), "{what}: {ended:?}");
        let last = lab.world().bus.last().cloned().unwrap();
        assert_eq!(last.detail_type(), expected, "{what}");
        let told = event(&lab.world());
        match expected {
            "CustomerOnboardingFailed" => assert_eq!(told["reason_code"], "TENANT_GONE", "{what}"),
            "CustomerOnboarded" => {
                assert_eq!(told["cells"][1]["status"], "FAILED", "{what}");
                assert!(
                    told["cells"][1]["reason"].as_str().unwrap().contains("deleted at the vendor"),
                    "{told}"
                );
            }
            _ => {}
        }
    }
}

#[test]
fn a_flow_survives_that_its_application_was_deleted_by_hand() {
    // Made and recorded, not yet proved: whoever deletes it now has it made again, whatever else there is.
    for (before, ask, left) in [(vec![], on(ONE), 2), (vec![on(ONE)], MORE(), 3)] {
        let lab = lab_with(&before);
        lab.world().ask(&ask);
        let work = Work::Message(lab.world().queue[0].id);
        let proved = lab.first(&work, "token");
        lab.deliver(work, vec![(proved, Fault::CrashBefore)]);
        let application = lab.world().vendor.applications().last().unwrap().id.clone();
        lab.world().delete_application_upstream(&application);
        lab.run(&[]).unwrap();
        let told = event(&lab.world());
        let mut cells = told["cells"].as_array().unwrap().iter();
        assert!(cells.all(|cell| cell["status"] == "ACTIVE"), "{told}");
        assert_eq!(
            lab.world().vendor.applications().count(),
            left,
            "the stranger's, and ours, one of them new"
        );
    }
}

#[test]
fn a_flow_that_finds_its_application_twice_keeps_one() {
    // Two creates of one key landed: nobody promises that they cannot.
    let lab = Lab::new(Setup::default());
    lab.world().ask(&on(ONE));
    let id = lab.world().queue[0].id;
    let made = lab.first(&Work::Message(id), "createTenantApplication");
    lab.deliver(Work::Message(id), vec![(made, Fault::CrashAfter)]);
    let ours = lab.world().vendor.applications().last().unwrap().clone();
    let now = lab.world().now;
    lab.world().vendor.add_application(&ours.tenant, &ours.cell, ours.proof, now);
    lab.run(&[]).unwrap();
    assert_eq!(lab.world().vendor.applications().count(), 2, "the stranger's, and one of ours");
}
