//! Texts as small numbers, both ways.

use std::collections::HashMap;
use std::sync::Arc;

use crate::GraphError;

/// Ids fit beside four bits of kinds in a word.
pub(crate) const LIMIT: u32 = 1 << 28;

/// Each text once, under a number. Numbers of texts that were released are given out again, so
/// that the table is bounded by the most texts it ever held at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// Invariant: `ids[text] == id` exactly where `texts[id] == Some(text)`.
    ids: HashMap<Arc<str>, u32>,
    texts: Vec<Option<Arc<str>>>,
    /// Invariant: the ids whose text is `None`, each once.
    free: Vec<u32>,
}

impl Names {
    pub(crate) fn with_capacity(texts: usize) -> Self {
        Self {
            ids: HashMap::with_capacity(texts),
            texts: Vec::with_capacity(texts),
            free: Vec::new(),
        }
    }

    /// How many ids were ever in use at once: every id is below it.
    pub(crate) fn slots(&self) -> usize {
        self.texts.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn get(&self, text: &str) -> Option<u32> {
        self.ids.get(text).copied()
    }

    pub(crate) fn text(&self, id: u32) -> Option<&str> {
        self.texts.get(id as usize)?.as_deref()
    }

    pub(crate) fn is_live(&self, id: u32) -> bool {
        self.text(id).is_some()
    }

    /// The ids in use, ascending.
    pub(crate) fn live(&self) -> impl Iterator<Item = u32> {
        (0..)
            .zip(&self.texts)
            .filter(|(_, text)| text.is_some())
            .map(|(id, _)| id)
    }

    /// The ids in use, in the order of their texts.
    pub(crate) fn sorted(&self) -> Vec<u32> {
        let mut texts: Vec<(&str, u32)> =
            self.ids.iter().map(|(text, id)| (&**text, *id)).collect();
        texts.sort_unstable();
        texts.into_iter().map(|(_, id)| id).collect()
    }

    /// # Errors
    ///
    /// When `more` further texts might not find a number.
    pub(crate) fn room_for(&self, more: usize) -> Result<(), GraphError> {
        if self.ids.len().saturating_add(more) > LIMIT as usize {
            return Err(GraphError::Full { limit: LIMIT });
        }
        Ok(())
    }

    /// The number of `text`, a new one where it has none. The caller made sure of the room.
    pub(crate) fn intern(&mut self, text: &str) -> u32 {
        self.get(text).unwrap_or_else(|| self.add(text.into()))
    }

    /// A number for a text that has none.
    pub(crate) fn add(&mut self, text: Arc<str>) -> u32 {
        let id = self.free.pop().unwrap_or_else(|| self.grow());
        self.ids.insert(text.clone(), id);
        self.texts[id as usize] = Some(text);
        id
    }

    fn grow(&mut self) -> u32 {
        self.texts.push(None);
        (self.texts.len() - 1) as u32
    }

    pub(crate) fn release(&mut self, id: u32) {
        if let Some(text) = self.texts[id as usize].take() {
            self.ids.remove(&text);
            self.free.push(id);
        }
    }
}
