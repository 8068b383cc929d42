//! What gaps say.

use super::has_gap;
use scope_event::{EventView, Events, Kind, TermError, Value};

/// How many events were lost, by the gaps of `events` that are `counted`.
///
/// A gap's data is the number of lost events, or a map whose numbers add up to it; what it says
/// otherwise is in terms that are no numbers, such as a map in the map.
///
/// # Errors
///
/// [`TermError`] when the data of a gap is damaged.
pub(crate) fn lost_in(
    events: &Events,
    counted: impl Fn(&EventView<'_>) -> bool,
) -> Result<u64, TermError> {
    if !has_gap(events) {
        return Ok(0);
    }
    let mut lost = 0u64;
    for gap in events
        .iter()
        .filter(|event| event.kind() == Kind::Gap && counted(event))
    {
        lost = lost.saturating_add(gap.data_value()?.map_or(1, |value| count(&value)));
    }
    Ok(lost)
}

/// A gap that does not say how many it stands for stands for one.
fn count(value: &Value) -> u64 {
    match value {
        Value::Map { pairs, .. } => pairs
            .iter()
            .map(|(_, value)| number(value))
            .sum::<u64>()
            .max(1),
        other => number(other).max(1),
    }
}

/// Small enough that sums of them do not overflow.
fn number(value: &Value) -> u64 {
    match value {
        Value::Int(n) => u64::try_from(*n).unwrap_or(0).min(1 << 48),
        _ => 0,
    }
}
