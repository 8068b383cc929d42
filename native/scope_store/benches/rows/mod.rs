//! The same events as Erlang would send them.

use scope_event::SubjectView;
use scope_store::Match;

/// Bytes of `term_to_binary({Kind, Pid, Stamp, Subject, Data})` of every event with LZ4, over as many
/// events as a page has.
pub fn packed(events: &[Match]) -> usize {
    let pages = events.chunks(8_192);
    pages
        .map(|events| lz4_flex::block::compress(&bytes(events)).len())
        .sum()
}

fn bytes(events: &[Match]) -> Vec<u8> {
    let mut out = Vec::with_capacity(events.len() * 90);
    for event in events {
        out.extend_from_slice(&[131, 104, 5]);
        small_atom(event.kind().name(), &mut out);
        out.push(88);
        small_atom(&event.origin().node, &mut out);
        let pid = event.pid().map_or(0, |pid| pid.id);
        out.extend_from_slice(&pid.to_be_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        out.extend_from_slice(&[110, 8, 0]);
        out.extend_from_slice(&event.stamp().to_le_bytes());
        subject(event, &mut out);
        let data = event.data().unwrap_or_default();
        out.push(109);
        out.extend_from_slice(&(data.len() as u32).to_be_bytes());
        out.extend_from_slice(data);
    }
    out
}

fn subject(event: &Match, out: &mut Vec<u8>) {
    let SubjectView::Mfa {
        module,
        function,
        arity,
    } = event.subject()
    else {
        return out.push(106);
    };
    out.extend_from_slice(&[104, 3]);
    small_atom(module, out);
    small_atom(function, out);
    out.extend_from_slice(&[97, arity]);
}

fn small_atom(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[119, text.len() as u8]);
    out.extend_from_slice(text.as_bytes());
}
