//! The rate limits of the Documents API: two token buckets for each tenant.

use jiff::Timestamp;

use crate::answer::Answer;
use crate::call::Call;
use crate::operations::Operation;
use crate::scene::Scene;

/// A bucket of permits that fills at a steady rate.
#[derive(Clone, Debug)]
pub(crate) struct Bucket {
    permits: f64,
    at: Timestamp,
}

impl Bucket {
    fn take(&mut self, rate: f64, burst: f64, now: Timestamp) -> bool {
        let seconds = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.permits = (self.permits + seconds * rate).min(burst);
        self.at = now;
        let enough = self.permits >= 1.0;
        if enough {
            self.permits -= 1.0;
        }
        enough
    }
}

/// Takes a permit for a call of the Documents API, or answers 429 without a body.
pub(crate) fn take(scene: &mut Scene<'_>, call: &Call) -> Result<(), Answer> {
    let limits = &scene.settings.limits;
    let documents = call.target.cell.is_some() && call.target.operation.scope().is_some();
    let (true, true, Some(tenant)) = (limits.enabled, documents, &call.who.tenant) else { return Ok(()) };
    let create = call.target.operation == Operation::CreateSubmission;
    let (rate, burst) = match create {
        true => (limits.submissions_per_second, limits.submissions_burst),
        false => (limits.others_per_second, limits.others_burst),
    };
    let full = Bucket { permits: burst, at: scene.now };
    let bucket = scene.world.buckets.entry((tenant.clone(), create)).or_insert(full);
    match bucket.take(rate, burst, scene.now) {
        true => Ok(()),
        false => Err(Answer::empty(429)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    #[test]
    fn a_bucket_allows_its_burst_and_then_its_rate() {
        let start = Timestamp::UNIX_EPOCH;
        let mut bucket = Bucket { permits: 6.0, at: start };
        let taken = (0..10).filter(|_| bucket.take(4.0, 6.0, start)).count();
        assert_eq!(taken, 6);
        let later = start + SignedDuration::from_millis(500);
        let taken = (0..10).filter(|_| bucket.take(4.0, 6.0, later)).count();
        assert_eq!(taken, 2);
    }
}
