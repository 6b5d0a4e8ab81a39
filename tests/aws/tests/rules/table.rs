//! The table in `RULES.md`.

/// One row.
pub(crate) struct Rule {
    pub(crate) name: &'static str,
    pub(crate) moto: Moto,
}

/// What a row says of moto.
pub(crate) enum Moto {
    Right,
    /// With how.
    Wrong(&'static str),
    NotRun,
}

/// Every row, each with a rule in words, a source of a known kind, and a verdict about moto.
pub(crate) fn table() -> Vec<Rule> {
    let rows = include_str!("RULES.md").lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| rule(row).unwrap_or_else(|| panic!("not a rule: {row}"))).collect()
}

fn rule(row: &'static str) -> Option<Rule> {
    let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
    let &[name, says, source, moto] = cells.as_slice() else { return None };
    let kinds = ["API_", "CommonErrors, ", "UG ", "PCS ", "assumed: "];
    let sourced = kinds.iter().any(|kind| source.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()));
    let moto = match moto.split_once(": ") {
        None if moto == "right" => Moto::Right,
        Some(("wrong", how)) => Moto::Wrong(how),
        Some(("not run", _)) => Moto::NotRun,
        _ => return None,
    };
    let rule = Rule { name: name.trim_matches('`'), moto };
    (sourced && !says.is_empty()).then_some(rule)
}
