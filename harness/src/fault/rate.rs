//! How often a fault happens, and how often at most.

use std::fmt;

use serde::de::{self, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One in so many opportunities, and a cap per run. Written `60`, or `{ one-in = 60, at-most = 3 }`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// One in this many opportunities; 0 is never.
    pub one_in: u32,
    /// The most in one run.
    pub at_most: u32,
}

impl Rate {
    /// Never.
    pub const NEVER: Self = Self::one_in(0);

    /// One in `one_in` opportunities, without a cap.
    pub const fn one_in(one_in: u32) -> Self {
        Self { one_in, at_most: u32::MAX }
    }

    /// Whether it can happen at all.
    pub const fn is_on(self) -> bool {
        self.one_in > 0 && self.at_most > 0
    }
}

impl Default for Rate {
    fn default() -> Self {
        Self::NEVER
    }
}

impl Serialize for Rate {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.at_most == u32::MAX {
            return serializer.serialize_u32(self.one_in);
        }
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("one-in", &self.one_in)?;
        map.serialize_entry("at-most", &self.at_most)?;
        map.end()
    }
}

impl<'de> Deserialize<'de> for Rate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RateVisitor)
    }
}

struct RateVisitor;

impl<'de> Visitor<'de> for RateVisitor {
    type Value = Rate;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number N (one in N opportunities) or { one-in = N, at-most = M }")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Rate, E> {
        let one_in = u32::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Signed(value), &self))?;
        Ok(Rate::one_in(one_in))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Rate, E> {
        let one_in = u32::try_from(value).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(value), &self))?;
        Ok(Rate::one_in(one_in))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Rate, A::Error> {
        let (mut one_in, mut at_most) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "one-in" => one_in = Some(map.next_value()?),
                "at-most" => at_most = Some(map.next_value()?),
                other => return Err(de::Error::unknown_field(other, &["one-in", "at-most"])),
            }
        }
        let one_in = one_in.ok_or_else(|| de::Error::missing_field("one-in"))?;
        Ok(Rate { one_in, at_most: at_most.unwrap_or(u32::MAX) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Holder {
        rate: Rate,
    }

    #[test]
    fn a_rate_is_a_number_or_a_table_and_reads_back() {
        for (text, rate) in [
            ("rate = 60", Rate::one_in(60)),
            ("rate = { one-in = 7, at-most = 3 }", Rate { one_in: 7, at_most: 3 }),
            ("rate = { one-in = 7 }", Rate::one_in(7)),
        ] {
            let holder: Holder = toml::from_str(text).unwrap();
            assert_eq!(holder.rate, rate);
            assert_eq!(toml::from_str::<Holder>(&toml::to_string(&holder).unwrap()).unwrap(), holder);
        }
        for bad in ["rate = -1", "rate = \"often\"", "rate = { one-in = 3, most = 2 }", "rate = { at-most = 2 }"] {
            assert!(toml::from_str::<Holder>(bad).is_err(), "{bad}");
        }
    }
}
