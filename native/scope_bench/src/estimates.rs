//! What criterion measured, from the files that it leaves.

use std::fs;
use std::path::PathBuf;

/// The median in nanoseconds of one of criterion's benchmarks, by the parts of its id: group,
/// function, and parameter if it has one. Nothing if it was never measured; a run of some
/// benchmarks finds the others' figures of before, unless `CRITERION_HOME` names a fresh folder.
///
/// # Examples
///
/// ```
/// assert_eq!(scope_bench::median(&["no such group", "at all"]), None);
/// ```
#[must_use]
pub fn median(id: &[&str]) -> Option<f64> {
    let mut path = home()?;
    path.extend(id.iter().map(|part| folder(part)));
    path.extend(["new", "estimates.json"]);
    read(&fs::read_to_string(path).ok()?)
}

/// Where criterion keeps its files: a bench lies in `target/release/deps`.
fn home() -> Option<PathBuf> {
    let beside = || {
        Some(
            std::env::current_exe()
                .ok()?
                .ancestors()
                .nth(3)?
                .join("criterion"),
        )
    };
    std::env::var_os("CRITERION_HOME").map_or_else(beside, |home| Some(home.into()))
}

/// The name that criterion gives the folder of an id.
fn folder(part: &str) -> String {
    let safe = part.replace(['?', '"', '/', '\\', '*', '<', '>', ':', '|', '^'], "_");
    let end = safe.char_indices().map(|(at, c)| at + c.len_utf8());
    let end = end.take_while(|end| *end <= 64).last().unwrap_or_default();
    safe[..end].into()
}

/// `"median":{"confidence_interval":{…},"point_estimate":12.3,…}`
fn read(estimates: &str) -> Option<f64> {
    let (_, median) = estimates.split_once("\"median\":")?;
    let (_, rest) = median.split_once("\"point_estimate\":")?;
    let end = rest.find([',', '}'])?;
    rest[..end].trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_found_among_the_estimates() {
        let estimates = r#"{"mean":{"point_estimate":1.0},"median":{"confidence_interval":
            {"lower_bound":2.0},"point_estimate":3.5,"standard_error":0.1}}"#;
        assert_eq!(read(estimates), Some(3.5));
        assert_eq!(read("{}"), None);
    }

    #[test]
    fn folders_are_named_as_criterion_names_them() {
        assert_eq!(folder("a/b: c"), "a_b_ c");
        assert_eq!(folder(&"é".repeat(40)).len(), 64);
    }
}
