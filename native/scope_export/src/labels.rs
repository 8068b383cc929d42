//! What things are called where a format has room for one name.

use crate::row::{About, Row};
use scope_event::{Kind, Value};
use std::borrow::Cow;
use std::fmt::Write as _;

/// A function as people write it: `Shop.buy/2`, `:lists.map/2`, `Shop."two words"/1`.
pub(crate) fn function(module: &str, function: &str, arity: u8) -> String {
    let mut label = self::module(module);
    label.push('.');
    name(function, &mut label);
    let _ = write!(label, "/{arity}");
    label
}

/// A module as people write it.
pub(crate) fn module(module: &str) -> String {
    let mut label = String::new();
    match module.strip_prefix("Elixir.") {
        Some(alias) if alias.split('.').all(is_alias) => label.push_str(alias),
        _ => {
            label.push(':');
            name(module, &mut label);
        }
    }
    label
}

/// What an event is, in a few words: its kind, and what it is about.
pub(crate) fn event(row: &Row<'_>) -> String {
    match (&row.about, row.kind) {
        (About::Name(name), Kind::Mark) => (*name).to_owned(),
        (about, kind) => match self::about(about) {
            Some(of) => format!("{} {of}", kind.name()),
            None => kind.name().to_owned(),
        },
    }
}

/// A subject in words.
pub(crate) fn about(about: &About<'_>) -> Option<String> {
    match about {
        About::Nothing => None,
        About::Function {
            module,
            function,
            arity,
        } => Some(self::function(module, function, *arity)),
        About::Pid(pid) => Some(pid.to_string()),
        About::Name(name) => Some((*name).to_owned()),
        About::Term(value) => Some(term(value).into_owned()),
    }
}

/// A term as text: what is text as it is, everything else in JSON.
pub(crate) fn term(value: &Value) -> Cow<'_, str> {
    match text(value) {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(crate::json::text_of(value)),
    }
}

/// The text of an atom, or of a whole binary in UTF-8. `nil` is none.
fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Atom(name) if !matches!(&**name, "nil" | "true" | "false") => Some(name),
        Value::Binary { kept, full } if *full == kept.len() as u64 => {
            std::str::from_utf8(kept).ok()
        }
        _ => None,
    }
}

fn name(name: &str, label: &mut String) {
    if is_identifier(name) {
        label.push_str(name);
    } else {
        let _ = write!(label, "{name:?}");
    }
}

fn is_alias(part: &str) -> bool {
    part.starts_with(|first: char| first.is_ascii_uppercase()) && part.chars().all(is_word)
}

fn is_identifier(name: &str) -> bool {
    let inner = name.strip_suffix(['?', '!']).unwrap_or(name);
    let starts = inner.starts_with(|first: char| first.is_alphabetic() || first == '_');
    starts && inner.chars().all(|c| is_word(c) || c == '@')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_called_what_people_call_them() {
        assert_eq!(function("Elixir.Shop.Cart", "add!", 2), "Shop.Cart.add!/2");
        assert_eq!(function("lists", "map", 2), ":lists.map/2");
        assert_eq!(function("Elixir.Shop", "größe", 0), "Shop.größe/0");
        assert_eq!(
            function("Elixir.a;b", "two\nwords\"", 1),
            r#":"Elixir.a;b"."two\nwords\""/1"#
        );
        assert_eq!(
            function("", "", 0),
            r#":""."""/0"#.replace(r#""""/0"#, r#"""/0"#)
        );
    }

    #[test]
    fn text_stays_text_and_the_rest_is_json() {
        assert_eq!(term(&Value::binary("r-17")), "r-17");
        assert_eq!(term(&Value::Atom("nil".into())), "null");
        assert_eq!(term(&Value::tuple([Value::Int(1)])), r#"{"$tuple":[1]}"#);
    }
}
