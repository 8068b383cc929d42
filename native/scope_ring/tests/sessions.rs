//! Budgets: credits are taken in shares, and every one of them is accounted for.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Head, Lanes, LanesConfig, Refusal, SESSIONS, SessionError, Words};

fn started(lanes: usize) -> Lanes {
    let table = Lanes::new();
    table
        .start(LanesConfig {
            lanes,
            ring_bytes: lanes << 20,
            max_payload: 64,
        })
        .unwrap();
    table
}

#[test]
fn a_session_records_its_budget_and_no_more() {
    let lanes = started(1);
    let lane = lanes.claim().unwrap();
    let id = lanes.open_session(1500).unwrap();
    let head = Head::new(1).session(id);
    for _ in 0..1500 {
        lane.record(head, Words::default()).unwrap();
    }
    assert_eq!(
        lane.record(head, Words::default()),
        Err(Refusal::OverBudget)
    );
    lane.record(Head::new(1), Words::default()).unwrap();
    let account = lanes.account(id).unwrap();
    assert_eq!(
        (account.budget, account.taken, account.used, account.refused),
        (1500, 1500, 1500, 1)
    );
    assert_eq!(lanes.status().lost.total(), 0);
}

#[test]
fn an_event_of_several_sessions_is_paid_by_each() {
    let lanes = started(1);
    let lane = lanes.claim().unwrap();
    let (rich, poor) = (
        lanes.open_session(10).unwrap(),
        lanes.open_session(1).unwrap(),
    );
    for round in 0..3 {
        let entry = lane.begin(Head::new(1).session(rich), 0).unwrap();
        assert_eq!(lane.charge(poor).is_ok(), round == 0);
        entry.commit(Words::default(), 0);
    }
    let used = |id| {
        (
            lanes.account(id).unwrap().used,
            lanes.account(id).unwrap().refused,
        )
    };
    assert_eq!((used(rich), used(poor)), ((3, 0), (1, 2)));
    lanes.close_session(poor).unwrap();
    assert_eq!(lane.charge(poor), Err(Refusal::SessionOver));
    assert_eq!(lanes.status().lost.total(), 0);
}

#[test]
fn what_is_not_used_comes_back_at_the_end() {
    let lanes = started(2);
    let lane = lanes.claim().unwrap();
    let id = lanes.open_session(10_000).unwrap();
    lane.record(Head::new(1).session(id), Words::default())
        .unwrap();
    drop(lane.begin(Head::new(1).session(id), 8).unwrap());
    let account = lanes.close_session(id).unwrap();
    assert_eq!((account.taken, account.used), (1024, 1));
    assert_eq!((account.held(), account.returned()), (1023, 9_999));
    let after = lane.record(Head::new(1).session(id), Words::default());
    assert_eq!(after, Err(Refusal::SessionOver));
    assert_eq!(lanes.account(id).unwrap(), account);
}

#[test]
fn a_small_budget_is_shared_out_and_a_refill_goes_on() {
    let lanes = started(4);
    let (one, two) = (lanes.claim().unwrap(), lanes.claim().unwrap());
    let id = lanes.open_session(8).unwrap();
    let head = Head::new(1).session(id);
    one.record(head, Words::default()).unwrap();
    two.record(head, Words::default()).unwrap();
    while one.record(head, Words::default()).is_ok() {}
    lanes.refill_session(id, 5).unwrap();
    while one.record(head, Words::default()).is_ok() {}
    while two.record(head, Words::default()).is_ok() {}
    let account = lanes.account(id).unwrap();
    assert_eq!((account.budget, account.used, account.held()), (13, 13, 0));
    assert_eq!(account.refused, 3);
}

#[test]
fn an_old_id_spends_nothing_of_the_next_session_in_its_seat() {
    let lanes = started(1);
    let lane = lanes.claim().unwrap();
    let first = lanes.open_session(100).unwrap();
    lane.record(Head::new(1).session(first), Words::default())
        .unwrap();
    let ids: Vec<_> = (1..SESSIONS)
        .map(|_| lanes.open_session(1).unwrap())
        .collect();
    assert_eq!(lanes.open_session(1), Err(SessionError::TooMany));
    lanes.close_session(first).unwrap();
    let next = lanes.open_session(7).unwrap();
    assert!(next != first && !ids.contains(&next));
    let old = lane.record(Head::new(1).session(first), Words::default());
    assert_eq!(old, Err(Refusal::SessionOver));
    lane.record(Head::new(1).session(next), Words::default())
        .unwrap();
    assert_eq!(lanes.account(next).unwrap().taken, 7);
    assert_eq!(lanes.account(first), Err(SessionError::NotOpen));
}

#[test]
fn ids_that_never_were_are_refused() {
    let lanes = Lanes::new();
    assert_eq!(lanes.open_session(1), Err(SessionError::NotStarted));
    lanes.start(LanesConfig::for_lanes(1)).unwrap();
    let lane = lanes.claim().unwrap();
    for id in [1, 63, 64, 65, u16::MAX] {
        let refused = lane.record(Head::new(1).session(id), Words::default());
        assert_eq!(refused, Err(Refusal::SessionOver));
        assert_eq!(lanes.refill_session(id, 1), Err(SessionError::NotOpen));
        assert_eq!(lanes.close_session(id), Err(SessionError::NotOpen));
    }
}
