//! Isolation models, and the anomalies that refute each.
//!
//! Every model is a row of one table: the weakest class of cycle that it forbids, and the order of transactions that
//! it promises to keep. All else follows, because a model that forbids a class forbids every worse one.
//!
//! Keys are the only objects here, no predicates; so `repeatable-read` (PL-2.99) and `serializable` (PL-3) forbid the
//! same things.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::anomaly::{CycleClass, Kind, Order};

/// A promise about how transactions interleave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Model {
    /// Adya's PL-1: no dirty writes.
    ReadUncommitted,
    /// PL-2: nor reads of what never committed or was not final.
    ReadCommitted,
    /// PL-SI: each transaction reads one snapshot, and no two write the same version.
    SnapshotIsolation,
    /// PL-2.99.
    RepeatableRead,
    /// PL-3: as if one after the other, in some order.
    Serializable,
    /// Snapshot isolation where a client's snapshots never go back.
    StrongSessionSnapshotIsolation,
    /// Serializable in an order that keeps each client's.
    StrongSessionSerializable,
    /// Snapshot isolation where a snapshot holds everything acknowledged before its transaction was called.
    StrongSnapshotIsolation,
    /// PL-SS: serializable in an order that keeps real time.
    #[default]
    StrongSerializable,
}

struct Row {
    model: Model,
    name: &'static str,
    /// Other spellings that are understood.
    aliases: &'static [&'static str],
    /// The weakest class of cycle that is forbidden.
    cycles: CycleClass,
    /// The order that cycles may lean on.
    order: Order,
}

const TABLE: &[Row] = &[
    row(Model::ReadUncommitted, "read-uncommitted", &["PL-1"], CycleClass::G0, Order::Data),
    row(Model::ReadCommitted, "read-committed", &["PL-2"], CycleClass::G1c, Order::Data),
    row(Model::SnapshotIsolation, "snapshot-isolation", &["PL-SI", "si"], CycleClass::GNonadjacent, Order::Data),
    row(Model::RepeatableRead, "repeatable-read", &["PL-2.99"], CycleClass::G2Item, Order::Data),
    row(Model::Serializable, "serializable", &["PL-3"], CycleClass::G2Item, Order::Data),
    row(
        Model::StrongSessionSnapshotIsolation,
        "strong-session-snapshot-isolation",
        &[],
        CycleClass::GNonadjacent,
        Order::Process,
    ),
    row(Model::StrongSessionSerializable, "strong-session-serializable", &[], CycleClass::G2Item, Order::Process),
    row(Model::StrongSnapshotIsolation, "strong-snapshot-isolation", &[], CycleClass::GNonadjacent, Order::RealTime),
    row(
        Model::StrongSerializable,
        "strong-serializable",
        &["strict-serializable", "PL-SS"],
        CycleClass::G2Item,
        Order::RealTime,
    ),
];

const fn row(
    model: Model,
    name: &'static str,
    aliases: &'static [&'static str],
    cycles: CycleClass,
    order: Order,
) -> Row {
    Row { model, name, aliases, cycles, order }
}

impl Model {
    /// Every model, the weakest first.
    pub fn all() -> impl Iterator<Item = Model> {
        TABLE.iter().map(|row| row.model)
    }

    /// The usual name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The weakest class of cycle that the model forbids.
    pub fn cycles(self) -> CycleClass {
        self.row().cycles
    }

    /// The order of transactions that the model promises to keep.
    pub fn order(self) -> Order {
        self.row().order
    }

    /// Whether one anomaly of this kind shows that the model was broken.
    pub fn refuted_by(self, kind: Kind) -> bool {
        let class = match kind {
            // Without these no version order exists at all.
            Kind::GarbageRead | Kind::DuplicateElements => CycleClass::G0,
            Kind::IncompatibleOrder | Kind::G1a | Kind::G1b | Kind::DirtyUpdate | Kind::FutureRead => CycleClass::G1c,
            // Each statement of a read-committed transaction may see another state.
            Kind::Internal | Kind::LostUpdate => CycleClass::GSingle,
            Kind::Cycle { class, order } if order <= self.order() => class,
            Kind::Cycle { .. } => return false,
        };
        class <= self.cycles()
    }

    fn row(self) -> &'static Row {
        // The table is in the order of the enum; a test holds it to that.
        &TABLE[self as usize]
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A model's name that is not in the table.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown model {0}")]
pub struct UnknownModel(pub String);

impl FromStr for Model {
    type Err = UnknownModel;

    fn from_str(s: &str) -> Result<Self, UnknownModel> {
        let named = |row: &&Row| row.name == s || row.aliases.contains(&s);
        TABLE.iter().find(named).map(|row| row.model).ok_or_else(|| UnknownModel(s.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum_and_names_round_trip() {
        for (place, row) in TABLE.iter().enumerate() {
            assert_eq!(row.model as usize, place, "{}", row.name);
            for name in row.aliases.iter().chain([&row.name]) {
                assert_eq!(name.parse(), Ok(row.model));
            }
        }
        assert_eq!("none".parse::<Model>(), Err(UnknownModel("none".to_owned())));
    }

    #[test]
    fn a_model_that_forbids_a_class_forbids_every_worse_one() {
        for model in Model::all() {
            for (class, worse) in CycleClass::ALL.iter().zip(CycleClass::ALL.iter().skip(1)).map(|(a, b)| (b, a)) {
                for order in Order::ALL {
                    let (class, worse) = (Kind::Cycle { class: *class, order }, Kind::Cycle { class: *worse, order });
                    assert!(!model.refuted_by(class) || model.refuted_by(worse), "{model} {class} {worse}");
                }
            }
        }
    }
}
