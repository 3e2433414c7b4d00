//! The value that EDN and JSON have in common, as far as histories need it.
//!
//! Both readers produce [`Datum`]s, so that the rules about events are written once, in [`event`](super::event).
//! This is not a general data model: sets, characters and big numbers become text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A value of either format.
#[derive(Debug, Clone, PartialEq)]
pub enum Datum {
    /// `nil` or `null`.
    Nil,
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Int(i64),
    /// Any other number; histories use it only in fields that nobody reads.
    Float(f64),
    /// A keyword (without its colon) or a symbol of EDN. JSON has none.
    Word(String),
    /// A string.
    Text(String),
    /// A vector, list or array.
    Seq(Vec<Datum>),
    /// A map, in the order of the file.
    Map(Vec<(Datum, Datum)>),
}

impl Datum {
    /// The value under a field name, whichever way the name is spelled.
    pub(super) fn field(&self, name: &str) -> Option<&Datum> {
        match self {
            Datum::Map(pairs) => pairs.iter().find(|(k, _)| k.word() == Some(name)).map(|(_, v)| v),
            _ => None,
        }
    }

    /// The text of a keyword or a string.
    pub(super) fn word(&self) -> Option<&str> {
        match self {
            Datum::Word(s) | Datum::Text(s) => Some(s),
            _ => None,
        }
    }
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Datum::Nil => f.write_str("nil"),
            Datum::Bool(b) => write!(f, "{b}"),
            Datum::Int(n) => write!(f, "{n}"),
            Datum::Float(x) => write!(f, "{x}"),
            Datum::Word(s) => write!(f, ":{s}"),
            Datum::Text(s) => f.write_str(&serde_json::Value::from(s.as_str()).to_string()),
            Datum::Seq(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i == 0 { "" } else { " " })?;
                }
                f.write_str("]")
            }
            Datum::Map(_) => f.write_str("a map"),
        }
    }
}

impl<'de> Deserialize<'de> for Datum {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DatumVisitor)
    }
}

struct DatumVisitor;

impl<'de> Visitor<'de> for DatumVisitor {
    type Value = Datum;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, v: bool) -> Result<Datum, E> {
        Ok(Datum::Bool(v))
    }

    fn visit_i64<E>(self, v: i64) -> Result<Datum, E> {
        Ok(Datum::Int(v))
    }

    fn visit_u64<E>(self, v: u64) -> Result<Datum, E> {
        Ok(i64::try_from(v).map_or(Datum::Float(v as f64), Datum::Int))
    }

    fn visit_f64<E>(self, v: f64) -> Result<Datum, E> {
        Ok(Datum::Float(v))
    }

    fn visit_str<E>(self, v: &str) -> Result<Datum, E> {
        Ok(Datum::Text(v.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Datum, E> {
        Ok(Datum::Nil)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Datum, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Datum::Seq(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Datum, A::Error> {
        let mut pairs = Vec::new();
        while let Some((key, value)) = map.next_entry::<String, Datum>()? {
            pairs.push((Datum::Text(key), value));
        }
        Ok(Datum::Map(pairs))
    }
}
