//! The cells: whether their endpoints answer, and what time it is there.

use jiff::Timestamp;
use resistant::{CallError, CellEndpoints, Presence, Vendor};
use shared_core::place::Cell;

use super::Site;
use super::check::{Check, Code};

/// The most that our clock may be off: assertions and presigned URLs carry times that the vendor and AWS judge
/// by theirs.
const MOST_SECONDS: i64 = 60;

/// `CELL_REACHABLE` for each configured cell, and `CLOCK_SKEW`.
pub(super) async fn examine(site: &Site<'_>) -> Vec<Check> {
    let (Some(vendor), Some(endpoints)) = (&site.vendor, &site.premises.endpoints) else {
        let next_step = "first what STAGE_CONSISTENT says";
        let codes = [Code::CellReachable, Code::ClockSkew];
        return codes.map(|code| Check::skipped(code, "not tried", next_step)).into();
    };
    // A cell that the stage does not have is told of by STAGE_CONSISTENT.
    let cells = site.premises.cells.iter().filter_map(|cell| endpoints.cell(*cell).ok());
    let looks = futures::future::join_all(cells.map(|cell| Look::at(vendor, &site.now, cell))).await;
    let skew = looks.iter().find_map(|look| look.skew_seconds);
    let mut checks: Vec<Check> = looks.into_iter().map(|look| look.check).collect();
    checks.push(clock(skew));
    checks
}

/// One cell's endpoints, looked at.
struct Look {
    check: Check,
    /// How far our clock is ahead of theirs.
    skew_seconds: Option<i64>,
}

impl Look {
    async fn at(vendor: &Vendor, now: impl Fn() -> Timestamp, cell: CellEndpoints) -> Self {
        let token = vendor.presence(cell.token_url()).await;
        let arrived = now();
        let api = vendor.presence(cell.api_base()).await;
        let date = token.as_ref().ok().and_then(|presence| presence.date);
        let skew_seconds = date.map(|date| arrived.duration_since(date).as_secs());
        let answers = [(cell.token_url(), token), (cell.api_base(), api)];
        Self { check: reachable(cell.cell(), &answers), skew_seconds }
    }
}

fn reachable(cell: Cell, answers: &[(&str, Result<Presence, CallError>); 2]) -> Check {
    let code = Code::CellReachable;
    for (url, answer) in answers {
        let next_step = format!(
            "let the functions reach {url} (egress, proxy, DNS); look at https://resistantai.statuspage.io"
        );
        match answer {
            Ok(presence) if presence.status < 500 => {}
            Ok(presence) => {
                let seen = format!("{url} answers {}", presence.status);
                return Check::problem(code, seen, next_step).of(cell.as_str());
            }
            Err(error) => {
                return Check::failed(code, "", error, &next_step).of(cell.as_str());
            }
        }
    }
    let [(token_url, _), (api_base, _)] = answers;
    Check::ok(code, format!("{token_url} and {api_base} answer, as the stage's table has them"))
        .of(cell.as_str())
}

fn clock(skew_seconds: Option<i64>) -> Check {
    let code = Code::ClockSkew;
    let Some(skew) = skew_seconds else {
        return Check::skipped(
            code,
            "no answer of the vendor told the time",
            "first what CELL_REACHABLE says",
        );
    };
    let direction = if skew < 0 { "behind" } else { "ahead of" };
    let seen = format!("our clock is {} s {direction} the vendor's", skew.abs());
    if skew.abs() <= MOST_SECONDS {
        return Check::ok(code, seen);
    }
    let next_step = "the vendor refuses assertions, and AWS signatures, of a wrong clock: set this machine's; \
                     Lambda's own is right, so there it is the vendor's or a proxy's";
    Check::problem(code, seen, next_step)
}

#[cfg(test)]
mod tests {
    use super::super::check::Outcome;
    use super::*;

    #[test]
    fn a_minute_is_the_most_that_a_clock_may_be_off() {
        for (skew, result) in [
            (Some(0), Outcome::Ok),
            (Some(60), Outcome::Ok),
            (Some(-60), Outcome::Ok),
            (Some(61), Outcome::Problem),
            (Some(-61), Outcome::Problem),
            (None, Outcome::Skipped),
        ] {
            assert_eq!(clock(skew).result, result, "{skew:?}");
        }
        assert!(clock(Some(-90)).seen.contains("90 s behind"));
    }
}
