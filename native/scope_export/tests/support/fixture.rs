//! A small story: two nodes, a message each way (the first seems to arrive before it was sent), a nested
//! call, an exception, a loss, wide characters, names that would break a format that took them as they are.

use super::{Event, Of, Story, pid};
use scope_causal::Confidence;
use scope_event::{Kind, Origin, Pid, Value};
use scope_export::Lacks;

pub(crate) const A: &str = "a@host";
pub(crate) const B: &str = "b@höst";
pub(crate) const START: u64 = 1_700_000_000_000_000_000;

/// Everything that means something to one of the formats.
pub(crate) const HOSTILE: &str = "=we;ird\r\n\"name\" %{x}\t(1),';<&#\u{2028}日本 end";

pub(crate) fn story() -> Story {
    let mut telling = Telling::default();
    let (one, two) = (pid(A, 101), pid(B, 7));
    let buy = Of::Function("Elixir.Shop".into(), "buy".into(), 2);
    let price = Of::Function("Elixir.Shop.Größe".into(), "price!".into(), 1);
    let odd = Of::Function("Elixir.a;b".into(), HOSTILE.into(), 0);
    let audit = Of::Function("audit".into(), "run".into(), 0);
    let request = Some(Value::tuple([atom("pay"), Value::Int(17)]));
    let answer = Some(Value::tuple([atom("error"), Value::binary(HOSTILE)]));
    let items = Some(Value::list([Value::Int(1), Value::binary("日本")]));

    telling.event(0, Kind::Call, &one, buy.clone(), items);
    telling.event(100, Kind::Call, &one, price.clone(), None);
    telling.event(300, Kind::Return, &one, price, Some(Value::Float(2.5)));
    // Its clock is behind.
    let taken = telling.event(350, Kind::Receive, &two, Of::Nothing, request.clone());
    let sent = telling.event(400, Kind::Send, &one, Of::Pid(two.clone()), request);
    telling.event(500, Kind::Call, &two, odd.clone(), None);
    telling.event(
        600,
        Kind::Mark,
        &two,
        Of::Name(HOSTILE.into()),
        Some(Value::Int(-1)),
    );
    telling.event(700, Kind::Exception, &two, odd, Some(atom("badarg")));
    let answered = telling.event(800, Kind::Send, &two, Of::Pid(one.clone()), answer.clone());
    let received = telling.event(900, Kind::Receive, &one, Of::Nothing, answer);
    telling.event(1000, Kind::Return, &one, buy, Some(atom("ok")));
    telling.event(
        1100,
        Kind::Send,
        &one,
        Of::Pid(two.clone()),
        Some(atom("lost")),
    );
    let figures = [
        (atom("memory"), Value::Int(2_048)),
        (Value::binary("load"), Value::Float(0.5)),
        (atom("name"), atom("shop")),
    ];
    telling.event(
        1200,
        Kind::Vitals,
        &one,
        Of::Nothing,
        Some(Value::map(figures)),
    );
    telling.event(1300, Kind::Call, &one, audit.clone(), None);
    telling.gap(1400, Value::map([(atom("dropped"), Value::Int(3))]));
    telling.event(1500, Kind::Return, &one, audit, None);
    telling.story.pairs = vec![
        (sent, taken, Confidence::Exact),
        (answered, received, Confidence::Likely),
    ];
    telling.story.lacks = Lacks {
        missing: vec![(HOSTILE.to_owned(), "{:node_unavailable, :x}".to_owned())],
        dropped: 3,
        expired: 0,
        more: true,
    };
    telling.story
}

#[derive(Default)]
struct Telling {
    story: Story,
    seqs: [u64; 2],
}

impl Telling {
    fn event(&mut self, ns: u64, kind: Kind, pid: &Pid, about: Of, data: Option<Value>) -> usize {
        let node = usize::from(&*pid.node == B);
        self.seqs[node] += 1;
        self.story.events.push(Event {
            origin: Origin::new(pid.node.clone(), 3),
            seq: self.seqs[node],
            ns: START + ns,
            kind,
            pid: Some(pid.clone()),
            about,
            correlation: (ns < 1_000).then(|| Value::binary("r-17")),
            data,
        });
        self.story.events.len() - 1
    }

    fn gap(&mut self, ns: u64, data: Value) {
        let at = self.event(ns, Kind::Gap, &pid(A, 0), Of::Nothing, Some(data));
        self.story.events[at].pid = None;
    }
}

fn atom(name: &str) -> Value {
    Value::Atom(name.into())
}
