//! Other ways to store the same traces.

use crate::traces::{About, Step, Trace};
use scope_event::Subject;
use scope_event::block::MAX_EVENTS;
use std::collections::HashMap;

/// `term_to_binary({Tag, Pid, Stamp, {M, F, A}, Args})` of every event, LZ4 over as many events as a
/// block. Returns the compressed size.
pub(crate) fn rows(trace: &Trace) -> usize {
    let blocks = trace.steps.chunks(MAX_EVENTS);
    blocks
        .map(|steps| lz4_flex::block::compress(&row_bytes(trace, steps)).len())
        .sum()
}

fn row_bytes(trace: &Trace, steps: &[Step]) -> Vec<u8> {
    let mut out = Vec::with_capacity(steps.len() * 90);
    for step in steps {
        out.extend_from_slice(&[131, 104, 5]);
        small_atom(step.kind.name(), &mut out);
        out.push(88);
        small_atom("shop@host.example", &mut out);
        out.extend_from_slice(&(step.pid as u32).to_be_bytes());
        out.extend_from_slice(&[0, 0, 0, 0, 0, 0, 0, 1]);
        out.extend_from_slice(&[110, 8, 0]);
        out.extend_from_slice(&(step.stamp / 4295).to_le_bytes());
        subject(step, &mut out);
        let data = trace.event(step).data;
        out.push(109);
        out.extend_from_slice(&(data.len() as u32).to_be_bytes());
        out.extend_from_slice(data);
    }
    out
}

/// Atoms as texts of the usual length: what matters is that rows repeat them.
fn subject(step: &Step, out: &mut Vec<u8>) {
    if let About::Words(Subject::Mfa {
        module,
        function,
        arity,
    }) = step.subject
    {
        out.extend_from_slice(&[104, 3]);
        small_atom(&format!("Elixir.Module{module:05}"), out);
        small_atom(&format!("function{function:05}"), out);
        out.extend_from_slice(&[97, arity]);
    } else {
        out.push(106);
    }
}

fn small_atom(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&[119, text.len() as u8]);
    out.extend_from_slice(text.as_bytes());
}

/// Plain columns: one byte of key, pid only on a switch, time as a varint of counter ticks. Bytes an
/// event with LZ4 and Zstandard, without any dictionary and without terms.
pub(crate) fn plain_columns(trace: &Trace) -> (f64, f64) {
    let (mut lz4, mut zstd) = (0, 0);
    for steps in trace.steps.chunks(MAX_EVENTS) {
        for column in columns(steps) {
            lz4 += lz4_flex::block::compress(&column).len();
            zstd += zstd_len(&column);
        }
    }
    let events = trace.steps.len() as f64;
    (lz4 as f64 / events, zstd as f64 / events)
}

fn zstd_len(column: &[u8]) -> usize {
    zstd::bulk::compress(column, 1).map_or(0, |packed| packed.len())
}

fn columns(steps: &[Step]) -> [Vec<u8>; 3] {
    let mut lanes: Vec<u16> = steps.iter().map(|step| step.lane).collect();
    lanes.sort_unstable();
    lanes.dedup();
    let mut keys = HashMap::new();
    let [mut kinds, mut pids, mut times] = [const { Vec::new() }; 3];
    for lane in lanes {
        let (mut pid, mut stamp) = (0, 0);
        for step in steps.iter().filter(|step| step.lane == lane) {
            let fresh = keys.len() as u64;
            varint(
                *keys
                    .entry(format!("{:?}{:?}", step.kind, step.subject))
                    .or_insert(fresh),
                &mut kinds,
            );
            pids.push(u8::from(step.pid != pid));
            if step.pid != pid {
                varint(step.pid, &mut pids);
            }
            varint(
                ((step.stamp - stamp) as f64 * 2.6e9 / 4_294_967_296.0).round() as u64,
                &mut times,
            );
            (pid, stamp) = (step.pid, step.stamp);
        }
    }
    [kinds, pids, times]
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
