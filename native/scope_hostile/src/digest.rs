//! A peer that says anything to a replica.

use crate::{memory, seal};
use scope_sync::model::MemoryHoldings;
use scope_sync::wire::{MAX_FRAME, decode, encode};
use scope_sync::{Holdings, Now, Origin, Out, Replica, Settings};

const ORIGINS: usize = 64;
const EVENTS: u64 = 40;
const START: u64 = 10_000_000 << 32;

/// Any bytes as a run of messages to a replica that has something to give, a second apart. Each is
/// its length and its bytes, without version and checksum.
pub fn digest(bytes: &[u8]) {
    memory::within((1 << 20) + 1024 * bytes.len(), || {
        let mut victim = Victim::new();
        let mut rest = bytes;
        while let Some((message, behind)) = next(rest) {
            victim.hear(message);
            rest = behind;
        }
        victim.is_well();
    });
}

fn next(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (len, rest) = bytes.split_first_chunk::<2>()?;
    Some(rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len())))
}

/// A replica with a store of its own and one peer that means harm.
struct Victim {
    replica: Replica,
    store: MemoryHoldings,
    now: Now,
    /// The replica's name for its end of the link.
    link: u32,
}

impl Victim {
    fn new() -> Self {
        let own = Origin::new("a@host", 1);
        let settings = Settings {
            max_origins: ORIGINS,
            ..Settings::default()
        };
        let mut store = MemoryHoldings::new();
        (0..4).for_each(|_| store.record(&own, EVENTS / 4, START));
        store.record(&Origin::new("c@host", 7), 5, START);
        let mut victim = Self {
            replica: Replica::new(own, settings, 0),
            store,
            now: Now {
                mono_ns: 1,
                stamp: START,
            },
            link: 0,
        };
        victim.replica.peer_up("evil@host");
        victim.tick();
        victim
    }

    fn tick(&mut self) {
        self.now.mono_ns += 1_000_000_000;
        self.now.stamp += 1 << 32;
        let out = self.replica.tick(self.now, &mut self.store);
        self.sent(&out);
    }

    /// What is sent is what a peer may be sent.
    fn sent(&mut self, out: &[Out]) {
        for Out { to, bytes } in out {
            assert!(&**to == "evil@host" && bytes.len() <= MAX_FRAME);
            let (message, _) = decode(bytes).expect("what is sent decodes");
            self.link = message.mine;
        }
    }

    /// A message that names the link as the peer would, so that it is not passed over as an old one.
    fn hear(&mut self, control: &[u8]) {
        let sealed = seal::frame(control);
        let Ok((mut message, blocks)) = decode(&sealed) else {
            return;
        };
        message.yours = self.link;
        let bytes = encode(&message, blocks).expect("what was decoded encodes");
        let receive = self
            .replica
            .receive("evil@host", &bytes, self.now, &mut self.store);
        self.sent(&receive.unwrap_or_default());
        self.tick();
    }

    fn is_well(&self) {
        assert!(self.replica.origins() <= ORIGINS);
        let own = self.store.knowledge(self.replica.own());
        assert_eq!((own.floor, own.prefix, own.last), (0, EVENTS, None));
    }
}
