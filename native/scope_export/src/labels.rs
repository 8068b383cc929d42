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

/// A term for people, about as Elixir shows it; [`json`](crate::json) is for programs.
pub(crate) fn inspect(value: &Value) -> String {
    let mut text = String::new();
    show(value, &mut text);
    text
}

fn show(value: &Value, to: &mut String) {
    let _ = match value {
        Value::Atom(name) => return atom(name, to),
        Value::Int(value) => write!(to, "{value}"),
        Value::Float(value) => write!(to, "{value:?}"),
        Value::Binary { kept, full } => return binary(kept, *full, to),
        Value::Pid(pid) => write!(to, "{pid}"),
        Value::Tuple { items, arity } => {
            return all(['{', '}'], items, *arity as usize > items.len(), to);
        }
        Value::List { items, tail, cut } => {
            let with_tail = items.iter().chain(tail.as_deref());
            return all(['[', ']'], with_tail, *cut, to);
        }
        Value::Map { pairs, size } => return map(pairs, *size as usize > pairs.len(), to),
        Value::Foreign(of, _) => write!(to, "#{of:?}"),
        Value::Opaque(of, _) => write!(to, "#{of:?}"),
        Value::Redacted => write!(to, "#Redacted"),
    };
}

fn atom(name: &str, to: &mut String) {
    match name {
        "nil" | "true" | "false" => to.push_str(name),
        _ => to.push_str(&module(name)),
    }
}

fn binary(kept: &[u8], full: u64, to: &mut String) {
    let rest = if full > kept.len() as u64 { "…" } else { "" };
    let _ = match std::str::from_utf8(kept) {
        Ok(text) => write!(to, "{text:?}{rest}"),
        Err(_) => write!(to, "#Binary({full})"),
    };
}

fn all<'v>(
    [open, close]: [char; 2],
    items: impl IntoIterator<Item = &'v Value>,
    cut: bool,
    to: &mut String,
) {
    to.push(open);
    for (at, item) in items.into_iter().enumerate() {
        to.push_str(if at > 0 { ", " } else { "" });
        show(item, to);
    }
    to.push_str(if cut { ", …" } else { "" });
    to.push(close);
}

fn map(pairs: &[(Value, Value)], cut: bool, to: &mut String) {
    to.push_str("%{");
    for (at, (key, value)) in pairs.iter().enumerate() {
        to.push_str(if at > 0 { ", " } else { "" });
        match key {
            Value::Atom(name) if is_identifier(name) => {
                let _ = write!(to, "{name}: ");
            }
            key => {
                show(key, to);
                to.push_str(" => ");
            }
        }
        show(value, to);
    }
    to.push_str(if cut { ", …}" } else { "}" });
}

/// What a message says: without what carries a call of a server, and its answer, there and back.
pub(crate) fn message(value: &Value) -> String {
    if let Value::Tuple { items, .. } = value {
        match items.as_slice() {
            [Value::Atom(tag), _, request] if &**tag == "$gen_call" => return inspect(request),
            [Value::Atom(tag), request] if &**tag == "$gen_cast" => return inspect(request),
            [tag, answer] if is_tag(tag) => return inspect(answer),
            _ => {}
        }
    }
    inspect(value)
}

/// The reference of a call, alone or as an alias.
fn is_tag(value: &Value) -> bool {
    match value {
        Value::Foreign(scope_event::Foreign::Reference, _) => true,
        Value::Opaque(scope_event::Opaque::Reference, _) => true,
        Value::List {
            tail: Some(tail), ..
        } => is_tag(tail),
        _ => false,
    }
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
    fn people_see_terms_as_they_write_them() {
        let key = |name: &str| Value::Atom(name.into());
        let map = Value::map([(key("a"), Value::Int(1)), (Value::Int(2), key("nil"))]);
        let term = Value::tuple([key("ok"), map, Value::list([Value::binary("x\n")])]);
        assert_eq!(inspect(&term), r#"{:ok, %{a: 1, 2 => nil}, ["x\n"]}"#);
        let call = [
            key("$gen_call"),
            key("from"),
            Value::tuple([key("buy"), Value::Int(1)]),
        ];
        assert_eq!(message(&Value::tuple(call)), "{:buy, 1}");
        assert_eq!(inspect(&key("Elixir.Shop")), "Shop");
    }

    #[test]
    fn text_stays_text_and_the_rest_is_json() {
        assert_eq!(term(&Value::binary("r-17")), "r-17");
        assert_eq!(term(&Value::Atom("nil".into())), "null");
        assert_eq!(term(&Value::tuple([Value::Int(1)])), r#"{"$tuple":[1]}"#);
    }
}
