//! The rotations of each customer, one after the other; those of different customers side by side.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use aws_parts::secrets::{End, Rotation};
use futures::future::join_all;
use tokio::time::sleep;

use super::{Counts, LONGEST, OVERLAP, TIMES};
use crate::journey::Customer;
use crate::journey::rotation::rotate;
use crate::load::{CUSTOMERS, cell};
use crate::report::{Seen, seen};
use crate::sandbox::Sandbox;

/// How often one customer's rotations were refused because an earlier application still retired.
pub(super) type Refused = usize;

/// Rotates every customer. They begin one after the other, so that at every moment some rotation runs.
pub(super) async fn all(sandbox: &Sandbox, customers: &[Customer], counts: &Counts) -> Vec<Result<Refused>> {
    let apart = OVERLAP / u32::try_from(CUSTOMERS).unwrap_or(u32::MAX);
    let each = customers.iter().enumerate().map(async |(number, customer)| {
        sleep(apart * u32::try_from(number).unwrap_or_default()).await;
        let rotated = ten_times(sandbox, customer, counts).await;
        rotated.with_context(|| format!("{} is not rotated", customer.id))
    });
    join_all(each).await
}

async fn ten_times(sandbox: &Sandbox, customer: &Customer, counts: &Counts) -> Result<Refused> {
    let name = Sandbox::secret_name(&customer.id, cell(customer));
    let mut refused = 0;
    for number in 0..TIMES {
        // Every other rotation comes too early, is refused and repeated, as Secrets Manager does.
        let pause = match number {
            0 => Duration::ZERO,
            odd if odd % 2 == 1 => OVERLAP,
            _ => OVERLAP / 2,
        };
        sleep(pause).await;
        refused += one(sandbox, &name).await.with_context(|| format!("rotation {}", number + 1))?;
        Counts::one_more(&counts.rotations);
    }
    Ok(refused)
}

async fn one(sandbox: &Sandbox, name: &str) -> Result<Refused> {
    let mut rotation = rotate(sandbox, name, LONGEST).await?;
    let mut refused = 0;
    while still_retires(&rotation) && refused < TIMES {
        refused += 1;
        sleep(OVERLAP / 2).await;
        rotation = sandbox.secrets.retry_rotation(name).await?;
    }
    ensure!(rotation.end == Some(End::Succeeded), "{rotation:?}");
    Ok(refused)
}

/// Whether a rotation was refused because the application that an earlier one replaced still retires.
fn still_retires(rotation: &Rotation) -> bool {
    let mut errors = rotation.steps.iter().filter_map(|step| step.error.as_deref());
    errors.any(|error| error.contains("still retires"))
}

pub(super) fn succeeded(rotated: Vec<Result<Refused>>) -> Result<Seen<()>> {
    let refused: Result<Vec<_>> = rotated.into_iter().collect();
    let refused = refused?;
    ensure!(refused.len() == CUSTOMERS, "{} customers", refused.len());
    let (rotations, refused) = (CUSTOMERS * TIMES, refused.into_iter().sum::<usize>());
    ensure!(refused > 0, "none that came too early was refused");
    Ok(seen(format!("{rotations}, and {refused} refused as too early")))
}
