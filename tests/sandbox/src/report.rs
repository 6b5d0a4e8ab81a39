//! What the journey expects, what it sees, and the table at the end.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::progress::seconds;

const EXPECTATION_WIDTH: usize = 54;
const SEEN_WIDTH: usize = 44;

/// The journey's record: one entry for each expectation.
#[derive(Debug, Default)]
pub struct Report {
    chapter: String,
    chapters: usize,
    entries: Vec<Entry>,
}

/// One expectation and what became of it.
#[derive(Debug)]
struct Entry {
    chapter: String,
    expectation: String,
    seen: String,
    held: bool,
    took: Duration,
}

impl Report {
    /// Begins a part of the story.
    pub fn chapter(&mut self, title: &str) {
        self.chapters += 1;
        self.chapter = title.to_owned();
        println!("\n{}. {title}", self.chapters);
    }

    /// Says what happened somewhere: at the vendor, in the registry, in the vault.
    pub fn tell(&self, place: &str, what: &str) {
        println!("   {place:<10} {what}");
    }

    /// Checks an expectation; the check says what it saw. Returns what the check found, if it held.
    pub async fn expect<T>(
        &mut self,
        expectation: &str,
        check: impl Future<Output = Result<Seen<T>>>,
    ) -> Option<T> {
        let began = Instant::now();
        let outcome = check.await;
        let took = began.elapsed();
        let (seen, found) = match outcome {
            Ok(Seen { what, found }) => (what, Some(found)),
            Err(error) => (format!("{error:#}"), None),
        };
        let held = found.is_some();
        println!("   {:<10} {expectation} ({})", if held { "ok" } else { "NOT SO" }, seconds(took));
        if !held {
            println!("   {:<10} {seen}", "seen");
        }
        self.entries.push(Entry {
            chapter: self.chapter.clone(),
            expectation: expectation.to_owned(),
            seen,
            held,
            took,
        });
        found
    }

    /// Whether every expectation held, and there was one.
    pub fn held(&self) -> bool {
        !self.entries.is_empty() && self.entries.iter().all(|entry| entry.held)
    }

    /// The table of all expectations.
    pub fn print(&self, total: Duration) {
        println!("\n{:>3}  {:<EXPECTATION_WIDTH$} {:<SEEN_WIDTH$} {:<6} time", "", "expected", "seen", "");
        let mut chapter = "";
        for (number, entry) in self.entries.iter().enumerate() {
            if entry.chapter != chapter {
                chapter = &entry.chapter;
                println!("     {chapter}");
            }
            println!("{}", row(number + 1, entry));
        }
        let failed = self.entries.iter().filter(|entry| !entry.held).count();
        let verdict = match failed {
            0 => format!("all {} expectations held", self.entries.len()),
            _ => format!("{failed} of {} expectations did not hold", self.entries.len()),
        };
        println!("\n{verdict}, in {}", seconds(total));
    }
}

/// What a check saw, in words, and what later checks need of it.
#[derive(Debug)]
pub struct Seen<T> {
    what: String,
    found: T,
}

/// Something seen that nobody needs later.
pub fn seen(what: impl Into<String>) -> Seen<()> {
    Seen { what: what.into(), found: () }
}

impl Seen<()> {
    /// Something seen that is needed later.
    pub fn with<T>(self, found: T) -> Seen<T> {
        Seen { what: self.what, found }
    }
}

impl<T> Seen<T> {
    /// What a later check needs.
    pub fn found(self) -> T {
        self.found
    }
}

fn row(number: usize, entry: &Entry) -> String {
    let (expectation, seen) = (cut(&entry.expectation, EXPECTATION_WIDTH), cut(&entry.seen, SEEN_WIDTH));
    let held = if entry.held { "ok" } else { "NOT SO" };
    format!("{number:>3}  {expectation} {seen} {held:<6} {:>7}", seconds(entry.took))
}

/// As wide as `width` columns.
fn cut(text: &str, width: usize) -> String {
    let whole: usize = text.chars().map(columns).sum();
    let room = if whole > width { width - 1 } else { width };
    let (mut cut, mut used) = (String::new(), 0);
    for c in text.chars().map(|c| if c == '\n' { ' ' } else { c }) {
        if used + columns(c) > room {
            break;
        }
        cut.push(c);
        used += columns(c);
    }
    if whole > width {
        cut.push('…');
        used += 1;
    }
    cut + &" ".repeat(width - used)
}

/// Emoji are two columns wide; everything else that is printed here is one.
fn columns(c: char) -> usize {
    if ('\u{1F000}'..='\u{1FAFF}').contains(&c) { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use anyhow::bail;

    use super::{Report, cut, seen};

    #[tokio::test]
    async fn one_failed_expectation_is_enough() {
        let mut report = Report::default();
        assert!(!report.held(), "an empty report has proved nothing");
        assert_eq!(report.expect("one", async { Ok(seen("it").with(7)) }).await, Some(7));
        assert!(report.held());
        assert_eq!(report.expect::<()>("two", async { bail!("not there") }).await, None);
        assert!(!report.held());
    }

    #[test]
    fn long_text_is_cut() {
        assert_eq!(cut("abc", 5), "abc  ");
        assert_eq!(cut("abcdef", 5), "abcd…");
        assert_eq!(cut("a\u{1F9FE}b", 5), "a\u{1F9FE}b ");
        assert_eq!(cut("abc\u{1F9FE}ef", 5), "abc… ");
    }
}
