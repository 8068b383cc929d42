//! How a bench says a row of the one table that `make bench` prints.
//!
//! A row is a line of standard output: `row`, then what, unit, ours, the peer's name, the peer's
//! figure, the most that ours may be, how many times the peer's it has to be at least; with tabs
//! between, and nothing where nothing is to be said. `scripts/bench` takes them from all benches,
//! these and Elixir's, and alone knows ratios and what is met.
//!
//! What criterion measured is read from what criterion wrote ([`median`]); [`CpuTime`] is what it may
//! measure on a machine with other work to do.
#![allow(clippy::print_stdout, reason = "the rows are the result")]

mod cpu_time;
mod estimates;

pub use cpu_time::CpuTime;
pub use estimates::median;

/// A figure, and what it is held against.
///
/// # Examples
///
/// ```
/// scope_bench::Row::new("clock: now", "ns", 12.5)
///     .beside("uhlc", 44.0)
///     .at_most(15.0)
///     .print();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Row {
    what: String,
    unit: &'static str,
    ours: f64,
    peer: Option<(String, f64)>,
    at_most: Option<f64>,
    times: Option<f64>,
}

impl Row {
    /// A figure that is reported.
    pub fn new(what: impl Into<String>, unit: &'static str, ours: f64) -> Self {
        Self {
            what: what.into(),
            unit,
            ours,
            peer: None,
            at_most: None,
            times: None,
        }
    }

    /// With the peer's figure from the same run.
    pub fn beside(self, peer: impl Into<String>, figure: f64) -> Self {
        Self {
            peer: Some((peer.into(), figure)),
            ..self
        }
    }

    /// It has to be at most this.
    pub fn at_most(self, target: f64) -> Self {
        Self {
            at_most: Some(target),
            ..self
        }
    }

    /// The peer's has to be at least so many times as large.
    pub fn times_the_peer(self, target: f64) -> Self {
        Self {
            times: Some(target),
            ..self
        }
    }

    /// Says it.
    pub fn print(&self) {
        println!("{}", self.line());
    }

    fn line(&self) -> String {
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        let (peer, figure) = self.peer.clone().unzip();
        let fields = [
            "row".into(),
            self.what.clone(),
            self.unit.into(),
            number(Some(self.ours)),
            peer.unwrap_or_default(),
            number(figure),
            number(self.at_most),
            number(self.times),
        ];
        fields.join("\t")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_said_is_empty() {
        let row = Row::new("decode", "ns", 1.5);
        assert_eq!(row.line(), "row\tdecode\tns\t1.5\t\t\t\t");
        let row = row.beside("rtrb", 3.0).at_most(2.0).times_the_peer(1.0);
        assert_eq!(row.line(), "row\tdecode\tns\t1.5\trtrb\t3\t2\t1");
    }
}
