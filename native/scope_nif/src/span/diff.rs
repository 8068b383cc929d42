//! Two executions compared.

use super::SpansRef;
use super::contents::Contents;
use rustler::{Error, NifMap, NifResult, NifUnitEnum, Term};
use scope_causal::{At, Difference, Part, Side, diff};

/// Which part of which picture, and what its events say.
#[derive(NifMap)]
struct Execution<'a> {
    spans: SpansRef,
    /// A span, with what is below it.
    span: Option<u32>,
    /// Forms of a correlation.
    correlation: Option<Vec<Term<'a>>>,
    contents: Term<'a>,
}

#[derive(NifUnitEnum)]
enum Change {
    Missing,
    Added,
    Replaced,
    Content,
    Result,
    Ending,
    Reception,
}

/// Where it shows, as places in causal order and the spans there.
#[derive(NifMap)]
struct Found {
    change: Change,
    left: Option<Shown>,
    right: Option<Shown>,
}

#[derive(NifMap)]
struct Shown {
    place: u32,
    span: Option<u32>,
}

#[derive(NifMap)]
struct Compared {
    count: usize,
    events: (usize, usize),
    first: Vec<Found>,
}

/// The first `most` differences, and how many there are; nothing where a correlation is unknown.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_diff(
    left: Execution<'_>,
    right: Execution<'_>,
    most: usize,
) -> NifResult<Option<Compared>> {
    let (Some(one), Some(other)) = (left.side()?, right.side()?) else {
        return Ok(None);
    };
    let mut first = Contents::new(&left.spans.drawn, left.contents)?;
    let mut second = Contents::new(&right.spans.drawn, right.contents)?;
    let contents = (|at: At| first.of(at), |at: At| second.of(at));
    let found = diff(one, other, contents, most);
    Ok(Some(Compared {
        count: found.count,
        events: found.events,
        first: found
            .first
            .iter()
            .map(|one| told(&left, &right, one))
            .collect(),
    }))
}

fn told(left: &Execution<'_>, right: &Execution<'_>, found: &Difference) -> Found {
    Found {
        change: match found.change {
            scope_causal::Change::Missing => Change::Missing,
            scope_causal::Change::Added => Change::Added,
            scope_causal::Change::Replaced => Change::Replaced,
            scope_causal::Change::Content => Change::Content,
            scope_causal::Change::Result => Change::Result,
            scope_causal::Change::Ending => Change::Ending,
            scope_causal::Change::Reception => Change::Reception,
        },
        left: found.left.map(|at| left.shown(at)),
        right: found.right.map(|at| right.shown(at)),
    }
}

impl Execution<'_> {
    fn side(&self) -> NifResult<Option<Side<'_>>> {
        let part = match (self.span, &self.correlation) {
            (Some(span), _) => Some(Part::Span(span)),
            (None, None) => Some(Part::All),
            (None, Some(forms)) => self.correlated(forms)?,
        };
        Ok(part.map(|part| Side {
            picture: &self.spans.drawn.picture,
            spans: &self.spans.spans,
            part,
        }))
    }

    fn correlated(&self, forms: &[Term<'_>]) -> NifResult<Option<Part>> {
        let drawn = &self.spans.drawn;
        for form in forms {
            let hash = drawn.hash(*form).map_err(|_| Error::BadArg)?;
            let known = drawn.picture.correlations();
            if let Some(index) = known.iter().position(|known| *known == hash) {
                return Ok(Some(Part::Correlation(index as u32)));
            }
        }
        Ok(None)
    }

    fn shown(&self, at: At) -> Shown {
        Shown {
            place: self.spans.drawn.picture.place(at),
            span: self.spans.spans.of_event(at),
        }
    }
}
