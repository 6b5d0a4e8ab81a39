use super::*;

#[tokio::test]
async fn a_start_that_fails_ends_the_process_with_failure() {
    let misconfigured = async |_: Environment| {
        let environment = Environment::of([]);
        let mut reading = environment.reading();
        let stage = reading.required("STAGE", crate::environment::text);
        let stage = reading.finish(|| stage)?;
        Err::<(), BoxError>(stage.into())
    };
    assert_eq!(start(misconfigured).await, ExitCode::FAILURE);
    assert_eq!(start(async |_: Environment| Ok(())).await, ExitCode::SUCCESS);
}

#[test]
fn the_problems_of_a_configuration_are_told_to_machines() {
    let environment = Environment::of([("DAYS", "x")]);
    let mut reading = environment.reading();
    let days = reading.required("DAYS", crate::environment::number(1..=9_u32));
    let missing = reading.required("STAGE", crate::environment::text);
    let error: BoxError = reading.finish(|| Some((days?, missing?))).unwrap_err().into();
    assert_eq!(
        problems(&error).unwrap(),
        r#"[{"variable":"DAYS","value":"x","rule":"a whole number in 1..=9"},{"variable":"STAGE","rule":"it is required"}]"#
    );
    assert_eq!(problems(&"another error".into()), None);
}
