//! From a stored event to half of a message.

use scope_causal::{Identity, Likeness, Message, Named, Node, Peer};
use scope_clock::Stamp;
use scope_event::{Foreign, Kind, Pid, SubjectView, Value};
use scope_store::Match;

/// What a send or receive says; `None` where nobody is known on the other side.
pub(super) fn message(event: &Match) -> Option<Message> {
    let pid = event.pid()?;
    let peer = match event.kind() {
        Kind::Send => receiver(event, pid),
        _ => sender(event)?,
    };
    let likeness = event.data().map(|data| Likeness::read(data, event.names()));
    Some(Message {
        stamp: Stamp::from_bits(event.stamp()),
        process: Identity::of(pid),
        node: Node::of(&pid.node),
        peer,
        likeness: likeness.and_then(Result::ok),
        complete: false,
    })
}

fn sender(event: &Match) -> Option<Peer> {
    match event.subject() {
        SubjectView::Pid(pid) => Some(Peer::From(Identity::of(pid))),
        SubjectView::Name(node) => Some(Peer::FromNode(Node::of(node))),
        _ => None,
    }
}

fn receiver(event: &Match, sender: &Pid) -> Peer {
    match event.subject() {
        SubjectView::Pid(pid) => Peer::To(Identity::of(pid)),
        SubjectView::Name(_) => Peer::ToNode(Node::of(&sender.node)),
        SubjectView::Term(term) => Value::read(&term, event.names())
            .ok()
            .and_then(|term| elsewhere(&term))
            .unwrap_or(Peer::ToNobody),
        _ => Peer::ToNobody,
    }
}

/// A process of another node, an alias, or a name on a node.
fn elsewhere(term: &Value) -> Option<Peer> {
    match term {
        Value::Foreign(Foreign::Pid, bytes) => Some(Peer::To(Named::read(bytes)?.identity)),
        Value::Foreign(Foreign::Reference, bytes) => Some(Peer::ToNode(Named::read(bytes)?.node)),
        Value::Tuple { items, .. } => match items.as_slice() {
            [Value::Atom(_), Value::Atom(node)] => Some(Peer::ToNode(Node::of(node))),
            _ => None,
        },
        _ => None,
    }
}
