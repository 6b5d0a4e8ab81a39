//! The checks as a table that a person reads, the worst first.

use super::check::Check;

const WIDTHS: [usize; 4] = [22, 7, 46, 50];
const GAP: &str = "  ";

/// Fixed-width text: a heading, a rule and the rows, each as many lines as its longest cell.
pub(super) fn render(checks: &[Check]) -> String {
    let mut lines = row(["CHECK", "RESULT", "WHAT WAS SEEN", "NEXT STEP"]);
    lines.push(WIDTHS.map(|width| "-".repeat(width)).join(GAP));
    for check in checks {
        let subject = check.subject.as_deref().unwrap_or_default();
        let what = format!("{} {subject}", check.code.as_str());
        let next_step = check.next_step.as_deref().unwrap_or_default();
        lines.extend(row([what.as_str(), check.result.as_str(), check.seen.as_str(), next_step]));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn row(cells: [&str; 4]) -> Vec<String> {
    let mut cells = cells.into_iter().zip(WIDTHS).map(|(cell, width)| wrap(cell, width));
    let cells: [Vec<String>; 4] = std::array::from_fn(|_| cells.next().unwrap_or_default());
    let height = cells.iter().map(Vec::len).max().unwrap_or_default();
    let line = |at: usize| {
        let parts = cells.iter().zip(WIDTHS).map(|(cell, width)| {
            let text = cell.get(at).map_or("", String::as_str);
            format!("{text:<width$}")
        });
        parts.collect::<Vec<_>>().join(GAP).trim_end().to_owned()
    };
    (0..height).map(line).collect()
}

/// Broken at white space; a word that is longer than a line, such as an ARN, wherever the line ends.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let mut word: Vec<char> = word.chars().collect();
        while !word.is_empty() {
            let used = lines.last().map_or(0, |line| line.chars().count());
            let space = usize::from(used > 0);
            if used + space + word.len() <= width || used == 0 {
                let rest = word.split_off(word.len().min(width - used - space));
                if let Some(line) = lines.last_mut() {
                    line.push_str(&" ".repeat(space));
                    line.extend(word);
                }
                word = rest;
            } else {
                lines.push(String::new());
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::check::Code;
    use super::*;

    #[test]
    fn a_check_is_a_row_of_four_columns() {
        let table = render(&[
            Check::problem(
                Code::Bucket,
                "versioning of `documents` is off: content could change under a document",
                "aws s3api put-bucket-versioning --bucket documents --versioning-configuration Status=Enabled",
            ),
            Check::ok(Code::CustomerCredential, "a token, and the API takes it").of("acme/eu-1"),
        ]);
        let expected = "\
CHECK                   RESULT   WHAT WAS SEEN                                   NEXT STEP
----------------------  -------  ----------------------------------------------  --------------------------------------------------
BUCKET                  problem  versioning of `documents` is off: content       aws s3api put-bucket-versioning --bucket documents
                                 could change under a document                   --versioning-configuration Status=Enabled
CUSTOMER_CREDENTIAL     ok       a token, and the API takes it
acme/eu-1
";
        assert_eq!(table, expected, "\n{table}");
    }

    #[test]
    fn no_line_is_wider_than_its_column() {
        let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:resistant/acme/eu-1/credential";
        assert_eq!(wrap(arn, 46).concat(), arn);
        for text in [arn, &format!("see {arn} now"), "", "ä ö ü", &"word ".repeat(40)] {
            let lines = wrap(text, 46);
            assert!(!lines.is_empty() && lines.iter().all(|line| line.chars().count() <= 46), "{lines:?}");
            let words = |text: &str| text.split_whitespace().collect::<String>();
            assert_eq!(words(&lines.concat()), words(text));
        }
    }
}
