//! Closure.
use laboratory::closure::{Script, close};
use laboratory::lab::Setup;
use laboratory::world::Ask;
use shared_core::place::Cell;

const ONE: &[Cell] = &[Cell::Eu1];
const TWO: &[Cell] = &[Cell::Eu1, Cell::Us1];

#[test]
fn one_cell() {
    let n: usize = std::env::var("ASKS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let most: usize = std::env::var("MOST").ok().and_then(|n| n.parse().ok()).unwrap_or(5000);
    let cells = if std::env::var_os("TWO").is_some() { TWO } else { ONE };
    let mut asks = vec![
        Ask::onboard("r-1", "acme", cells, 1),
        Ask::offboard("r-2", "acme", 2),
        Ask::onboard("r-3", "acme", cells, 3),
    ];
    if std::env::var_os("MORE").is_some() {
        asks = vec![Ask::onboard("r-1", "acme", ONE, 1), Ask::onboard("r-2", "acme", TWO, 2)];
    }
    if std::env::var_os("SECRET").is_some() {
        asks = asks.into_iter().map(|a| a.with_client_secrets()).collect();
    }
    let t = std::time::Instant::now();
    let closed = close(&Script { asks: asks[..n].to_vec(), setup: Setup::default() }, 2, most);
    println!(
        "{} states, {} at rest, {} deliveries, {:?}",
        closed.states,
        closed.at_rest,
        closed.deliveries,
        t.elapsed()
    );
    println!("{} broken", closed.broken.len());
    for broken in closed.broken.iter().take(12) {
        println!("{broken}");
    }
}
