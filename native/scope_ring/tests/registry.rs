//! Scopes come and go while the drain routes.

#![allow(
    clippy::unwrap_used,
    reason = "a test that cannot go on should fail there"
)]

use scope_ring::{Registry, RegistryFull, Unrouted};

#[test]
fn a_route_begins_and_ends_with_a_pass() {
    let (registry, mut routes) = Registry::new();
    let batches = registry.attach(7, 4).unwrap();
    assert_eq!(routes.route(7, 0), Err((Unrouted::NoRoute, 0)));
    assert_eq!(routes.refresh(), 1);
    routes.route(7, 1).unwrap();
    registry.detach(7).unwrap();
    routes.route(7, 2).unwrap();
    routes.refresh();
    assert_eq!(routes.route(7, 3), Err((Unrouted::NoRoute, 3)));
    assert_eq!(batches.iter().collect::<Vec<_>>(), [1, 2]);
    assert_eq!(routes.refused(7), 2);
}

#[test]
fn a_receiver_that_is_gone_is_no_route() {
    let (registry, mut routes) = Registry::new();
    drop(registry.attach(1, 4).unwrap());
    routes.refresh();
    assert_eq!(routes.route(1, 'x'), Err((Unrouted::NoRoute, 'x')));
}

#[test]
fn changes_are_bounded_and_a_pass_makes_room() {
    let (registry, mut routes) = Registry::<()>::new();
    let refused = (0..1000).map(|_| registry.detach(1)).find(Result::is_err);
    assert_eq!(refused, Some(Err(RegistryFull)));
    assert_eq!(routes.refresh(), 256);
    assert_eq!(registry.clone().detach(1), Ok(()));
}

#[test]
fn scopes_attach_from_many_threads() {
    let (registry, mut routes) = Registry::new();
    let receivers: Vec<_> = std::thread::scope(|threads| {
        let attach = |scope| {
            threads.spawn({
                let registry = registry.clone();
                move || registry.attach(scope, 1).unwrap()
            })
        };
        let handles: Vec<_> = (0..8).map(attach).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap())
            .collect()
    });
    routes.refresh();
    (0..8).for_each(|scope| routes.route(scope, scope).unwrap());
    let got = receivers.iter().map(|batches| batches.recv().unwrap());
    assert!(got.eq(0..8));
}
