//! Packets, and what stands in the first ones: the clock, tracks, names.

use super::{Type, functions, tracks};
use crate::proto::{Message, varint};
use crate::trace::Trace;
use scope_causal::At;

/// `BuiltinClock`: nanoseconds since 1970, and what trace viewers show by default.
const REALTIME: u64 = 1;
const BOOTTIME: u64 = 6;

/// The sequence that all packets are of.
const SEQUENCE: u64 = 1;

/// `SequenceFlags`: names begin anew, and are needed.
const CLEARED: u64 = 1;
const NEEDED: u64 = 2;

/// The track of what is missing.
const LACKS: u64 = 1;

pub(super) fn node_track(node: u32) -> u64 {
    1 << 32 | u64::from(node)
}

pub(super) fn process_track(process: u32) -> u64 {
    2 << 32 | u64::from(process)
}

/// Counters have numbers of their own.
pub(super) fn counter_track(counter: u32) -> u64 {
    3 << 32 | u64::from(counter)
}

/// Where an event is shown: at its process, else at its node.
pub(super) fn track(trace: &Trace<'_>, at: At) -> u64 {
    match trace.picture.process(at) {
        Some(process) => process_track(process),
        None => node_track(trace.picture.node(at).unwrap_or(0)),
    }
}

/// Everything in front of the events.
pub(super) fn begin(trace: &Trace<'_>, out: &mut Vec<u8>) {
    let start = trace.picture.stamp(0).physical_ns();
    clock(start, out);
    functions(trace, out);
    tracks(trace, out);
    if trace.lacks.is_nothing() {
        return;
    }
    descriptor(LACKS, out, |track| {
        track.text(2, "missing");
    });
    let mut event = Message::default();
    event.uint(9, Type::Instant as u64).uint(11, LACKS);
    event.text(22, "missing").text(23, &trace.lacks.text());
    annotation(&mut event, "dropped", &trace.lacks.dropped.to_string());
    annotation(&mut event, "expired", &trace.lacks.expired.to_string());
    annotation(&mut event, "more", &trace.lacks.more.to_string());
    for (node, why) in &trace.lacks.missing {
        annotation(&mut event, node, why);
    }
    packet(start, &event, out);
}

/// Both clocks say the same: times are what they are, also where the other one is shown.
fn clock(start: u64, out: &mut Vec<u8>) {
    raw(out, |packet| {
        packet.uint(10, SEQUENCE).uint(13, CLEARED).uint(87, 1);
        packet.uint(8, start).uint(58, REALTIME);
        packet.message(59, |defaults| {
            defaults.uint(58, REALTIME);
        });
        packet.message(6, |snapshot| {
            for of in [REALTIME, BOOTTIME] {
                snapshot.message(1, |clock| {
                    clock.uint(1, of).uint(2, start);
                });
            }
            snapshot.uint(2, REALTIME);
        });
    });
}

/// Names that events have numbers of.
pub(super) fn interned(names: &Message, out: &mut Vec<u8>) {
    raw(out, |packet| {
        packet.uint(10, SEQUENCE).uint(13, NEEDED);
        packet.blob(12, names.bytes());
    });
}

/// A `TrackDescriptor`.
pub(super) fn descriptor(track: u64, out: &mut Vec<u8>, fill: impl FnOnce(&mut Message)) {
    raw(out, |packet| {
        packet.uint(10, SEQUENCE);
        packet.message(60, |descriptor| {
            descriptor.uint(1, track);
            fill(descriptor);
        });
    });
}

/// A packet with a `TrackEvent`.
pub(super) fn packet(ns: u64, event: &Message, out: &mut Vec<u8>) {
    raw(out, |packet| {
        packet
            .uint(8, ns)
            .uint(10, SEQUENCE)
            .uint(13, NEEDED)
            .uint(58, REALTIME);
        packet.blob(11, event.bytes());
    });
}

/// A `DebugAnnotation` with text.
pub(super) fn annotation(event: &mut Message, name: &str, value: &str) {
    event.message(4, |annotation| {
        annotation.text(10, name).text(6, value);
    });
}

/// A field of `Trace`.
fn raw(out: &mut Vec<u8>, fill: impl FnOnce(&mut Message)) {
    let mut packet = Message::default();
    fill(&mut packet);
    out.push(0x0a);
    varint(packet.bytes().len() as u64, out);
    out.extend_from_slice(packet.bytes());
}
