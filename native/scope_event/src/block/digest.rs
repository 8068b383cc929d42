//! The identity of a block's content.
//!
//! Each event has a 64-bit hash of its canonical form: sequence number, stamp, kind, session and
//! flags, and the hashes of pid, subject, correlation and data, all of text and never of a
//! dictionary's index. The digest is their wrapping sum, so it is the same under any codec and adds
//! up when blocks become one.

use super::dictionary::{Dictionary, Key, KeySubject, NameHashes};
use super::payloads::{Payloads, Resolver};
use super::rows::Rows;
use crate::hash;
use crate::origin::Seq;
use crate::term::{Rewriter, TermError};

/// The digest of `rows`, whose first event is `from`. `terms[i]` is the canonical hash of payload i.
pub(super) fn digest(
    from: Seq,
    rows: &Rows,
    dictionary: &Dictionary,
    names: &NameHashes,
    terms: &[u64],
) -> u64 {
    let keys: Vec<[u64; 2]> = dictionary
        .keys
        .iter()
        .map(|key| key_hash(key, names, terms))
        .collect();
    let mut sum = 0u64;
    for i in 0..rows.len() {
        let meta = u64::from(rows.metas[i].session) << 16 | u64::from(rows.metas[i].flags) << 8;
        let [kind, subject] = keys[rows.keys[i] as usize];
        let event = [
            from + i as u64,
            rows.stamps[i],
            meta | kind,
            or_none(&names.pids, rows.pids[i]),
            subject,
            or_none(terms, rows.correlations[i]),
            or_none(terms, rows.data[i]),
        ];
        sum = sum.wrapping_add(event_hash(&event));
    }
    sum
}

fn event_hash(event: &[u64; 7]) -> u64 {
    let mut form = [0u8; 56];
    for (bytes, word) in form.chunks_exact_mut(8).zip(event) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    hash::bytes(&form)
}

fn or_none(hashes: &[u64], one_more: u32) -> u64 {
    one_more.checked_sub(1).map_or(0, |i| hashes[i as usize])
}

/// Code of the kind and hash of the subject.
fn key_hash(key: &Key, names: &NameHashes, terms: &[u64]) -> [u64; 2] {
    [
        u64::from(key.kind.code()),
        subject_hash(&key.subject, names, terms),
    ]
}

fn subject_hash(subject: &KeySubject, names: &NameHashes, terms: &[u64]) -> u64 {
    let (tag, a, b) = match *subject {
        KeySubject::None => return 0,
        KeySubject::Mfa {
            module,
            function,
            arity,
        } => (
            1 | u64::from(arity) << 8,
            names.atoms[module as usize],
            names.atoms[function as usize],
        ),
        KeySubject::Pid(pid) => (2, names.pids[pid as usize], 0),
        KeySubject::Name(atom) => (3, names.atoms[atom as usize], 0),
        KeySubject::Term(payload) => (4, terms[payload as usize], 0),
    };
    let mut form = [0u8; 24];
    for (bytes, word) in form.chunks_exact_mut(8).zip([tag, a, b]) {
        bytes.copy_from_slice(&word.to_le_bytes());
    }
    hash::bytes(&form)
}

/// Canonical hashes of all payloads, from their bytes.
pub(super) fn term_hashes(
    payloads: &Payloads,
    names: &mut NameHashes,
) -> Result<Vec<u64>, TermError> {
    let mut terms = Resolver::new(payloads);
    let mut rewriter = Rewriter::default();
    (0..payloads.len() as u32)
        .map(|number| Ok(rewriter.rewrite(&terms.term(number)?, names)?.1))
        .collect()
}
