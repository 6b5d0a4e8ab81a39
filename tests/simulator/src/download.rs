//! What `download_url` leads to: a report, or a result that was too large.

use crate::answer::Answer;
use crate::call::Call;
use crate::presign;
use crate::results::Analysis;
use crate::scene::Scene;

pub(crate) fn get(scene: &mut Scene<'_>, call: &Call) -> Result<Answer, Answer> {
    presign::check(scene, call)?;
    let missing = || Answer::s3(404, "NoSuchKey", "The key does not exist");
    let mut living = scene.world.submissions.iter().filter(|submission| submission.deleted.is_none());
    let submission = living.find(|submission| submission.id == call.target.submission).ok_or_else(missing)?;
    let analysis = Analysis::of(scene, submission).ok_or_else(missing)?;
    match call.target.what.as_str() {
        "fraud" => Ok(Answer::json(200, &analysis.fraud_body())),
        "report" => Ok(Answer::bytes(200, "application/pdf", "%PDF-1.4\n% a simulated report\n%%EOF\n")),
        _ => Err(missing()),
    }
}
