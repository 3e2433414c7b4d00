//! What is run: connections and what they do, the database and disk they do it on, faults, bounds, expected probes.
//!
//! A scenario is a TOML file. Unknown fields are rejected with line and column, and every number has a range.

mod crash_images;
pub mod program;
mod threads;
mod validate;

use std::collections::BTreeMap;

use falken_models::bug::{Bug, Planted};
use falken_models::session::{Config, HeaderGrain};
use falken_models::wal::SyncMode;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::check::Model;
use crate::fault::Rate;
use crate::invariant::Selection;
use crate::subject::Engine;
pub use crash_images::{CrashImages, Torn};
pub use threads::{ThreadEngine, Threads};

/// The names of the transactions that a client's mix can be made of.
pub const TEMPLATES: &[&str] = &[
    "get",
    "scan",
    "count",
    "put",
    "append",
    "delete",
    "read-tx",
    "write-tx",
    "immediate-tx",
    "append-tx",
    "savepoint-tx",
    "change-layout",
    "layout-tx",
    "layout-savepoint-tx",
    "checkpoint-passive",
    "checkpoint-full",
    "checkpoint-restart",
    "checkpoint-truncate",
    "close",
];

/// Why a scenario cannot be used.
#[derive(Debug, Error)]
pub enum ScenarioError {
    /// It is not TOML, or has an unknown or missing field; the message names line and column.
    #[error("{0}")]
    Syntax(#[from] toml::de::Error),
    /// A value makes no sense.
    #[error("`{field}` {problem}")]
    Value {
        /// The field, dotted.
        field: String,
        /// What is wrong with it.
        problem: String,
    },
}

/// One scenario.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scenario {
    /// Its name: lower case, digits and dashes.
    pub name: String,
    /// One sentence: what it is for.
    pub about: String,
    /// The engine that it is run on.
    #[serde(default, skip_serializing_if = "Engine::is_models")]
    pub subject: Engine,
    /// A bug of the catalogue that is planted in every run, unless another one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plant: Option<String>,
    /// What connection 0 runs before the clients start, alone and without faults; see [`program`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub setup: Vec<String>,
    /// The database under test.
    #[serde(default)]
    pub database: Database,
    /// The disk under the database.
    #[serde(default)]
    pub disk: DiskConfig,
    /// Where connections may be switched.
    #[serde(default)]
    pub schedule: Schedule,
    /// What the rows look like.
    #[serde(default)]
    pub rows: Rows,
    /// Faults and their rates.
    #[serde(default)]
    pub faults: Faults,
    /// All images that a power loss can leave, enumerated while the run stands still; none if there is no such section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crash_images: Option<CrashImages>,
    /// What the clients' history must satisfy.
    #[serde(default)]
    pub history: History,
    /// Which invariants are checked.
    #[serde(default)]
    pub checks: Checks,
    /// How its programs run on real threads (`falken threads`); they do not if there is no such section.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threads: Option<Threads>,
    /// When a run ends.
    #[serde(default)]
    pub bounds: Bounds,
    /// What must happen in some run, or the scenario does not do what it is for.
    #[serde(default)]
    pub probes: Probes,
    /// The connections.
    pub clients: Vec<Clients>,
}

/// The database under test.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Database {
    /// Bytes per page: 512, 1024 or 4096.
    pub page_size: usize,
    /// Pages that a connection's cache holds.
    pub cache_pages: usize,
    /// Mark slots, 1 to 4.
    pub read_slots: u8,
    /// When fsync is called.
    pub sync: Sync,
    /// How often a busy lock is tried again before BUSY is returned.
    pub busy_retries: u32,
    /// How often read start may lose a race before PROTOCOL is returned.
    pub read_retries: u32,
    /// A commit that leaves this many frames in the log is followed by a PASSIVE checkpoint; 0 is never.
    pub auto_checkpoint: u32,
    /// Whether the database file is empty when a run begins, and is created by whoever opens it first.
    pub create: bool,
    /// Whether statements may change the table's layout, so that every statement looks first whether one has.
    pub layout_changes: bool,
    /// Buffers that writes in flight share; 0 is as many as are wanted.
    pub buffer_pool: u16,
    /// Where checkpoints get the bytes of a page.
    pub checkpoint_source: CheckpointSource,
    /// Where commits go.
    #[serde(skip_serializing_if = "Journal::is_wal")]
    pub journal: Journal,
}

impl Default for Database {
    fn default() -> Self {
        Self {
            page_size: 512,
            cache_pages: 64,
            read_slots: 4,
            sync: Sync::Full,
            busy_retries: 16,
            read_retries: 100,
            auto_checkpoint: 0,
            create: false,
            layout_changes: false,
            buffer_pool: 0,
            checkpoint_source: CheckpointSource::Log,
            journal: Journal::Wal,
        }
    }
}

/// `PRAGMA journal_mode`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Journal {
    /// SQLite's write-ahead log: one writer at a time.
    #[default]
    Wal,
    /// Row versions in memory and a log of their own: a deferred transaction begins with `BEGIN CONCURRENT`, and writers run
    /// beside each other. The models have no such mode.
    Mvcc,
}

impl Journal {
    /// Whether it is the write-ahead log.
    pub fn is_wal(&self) -> bool {
        *self == Self::Wal
    }
}

/// `PRAGMA synchronous`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "see SyncMode")]
pub enum Sync {
    Off,
    Normal,
    Full,
}

impl From<Sync> for SyncMode {
    fn from(sync: Sync) -> Self {
        match sync {
            Sync::Off => Self::Off,
            Sync::Normal => Self::Normal,
            Sync::Full => Self::Full,
        }
    }
}

/// Where checkpoints get the bytes of a page: see [`models`](falken_models::session::CheckpointSource).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "the models' enum of the same name says it")]
pub enum CheckpointSource {
    Log,
    Cache,
}

impl From<CheckpointSource> for falken_models::session::CheckpointSource {
    fn from(source: CheckpointSource) -> Self {
        match source {
            CheckpointSource::Log => Self::Log,
            CheckpointSource::Cache => Self::Cache,
        }
    }
}

/// The disk under the database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DiskConfig {
    /// Bytes per sector: 512 or 4096.
    pub sector_size: usize,
    /// Operations that may be in flight at a time; 0 is as many as are wanted.
    pub ring_slots: u16,
    /// Whether a torn write harms nothing beside the bytes being written. Without it the rest of a sector may be spoilt,
    /// and commits are padded to sectors.
    pub powersafe_overwrite: bool,
}

impl Default for DiskConfig {
    fn default() -> Self {
        Self { sector_size: 512, ring_slots: 256, powersafe_overwrite: true }
    }
}

/// Where connections may be switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Schedule {
    /// After every access to shared WAL state, and not only at I/O and explicit yields.
    pub micro: bool,
    /// How much of a header copy one such access loads or stores.
    pub header: Header,
    /// Pretends that the models have changed: one more yield in every statement and one more draw, which mean nothing.
    pub rehearse_change: bool,
}

/// How much of a header copy is loaded or stored in one step: see [`HeaderGrain`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "see HeaderGrain")]
pub enum Header {
    #[default]
    Words,
    Copies,
}

impl From<Header> for HeaderGrain {
    fn from(header: Header) -> Self {
        match header {
            Header::Words => Self::Word,
            Header::Copies => Self::Copy,
        }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self { micro: true, header: Header::Words, rehearse_change: false }
    }
}

/// What the rows look like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Rows {
    /// How many keys there are.
    pub keys: u32,
    /// The smallest of them.
    pub first_key: i64,
    /// From each key to the next one.
    pub key_stride: u32,
    /// The longest value that a put stores, in bytes.
    pub value_bytes_max: u32,
    /// The most statements between BEGIN and its end.
    pub statements_max: u32,
}

impl Default for Rows {
    fn default() -> Self {
        Self { keys: 16, first_key: 1, key_stride: 1, value_bytes_max: 200, statements_max: 4 }
    }
}

/// Faults: each rate says "one in so many opportunities"; 0 is never. See [`fault::TABLE`](crate::fault::TABLE).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[allow(missing_docs, reason = "the table of faults says what each does")]
pub struct Faults {
    /// The most crashes in a run, of all kinds together.
    pub crashes_max: u32,
    pub process_crash: Rate,
    pub power_loss: Rate,
    pub double_crash: Rate,
    pub torn_writes: Rate,
    pub spoilt_sectors: Rate,
    pub abandon: Rate,
    pub drop: Rate,
    pub interrupt: Rate,
    pub cancel: Rate,
    pub spurious: Rate,
    pub delay: Rate,
    pub starve: Rate,
    pub eio_at_submit: Rate,
    pub eio: Rate,
    pub fsync_kept_dirty: Rate,
    pub fsync_marked_clean: Rate,
    pub no_space: Rate,
    pub short_read: Rate,
    pub short_write: Rate,
    pub lying_fsync: Rate,
    pub bit_rot: Rate,
    pub misdirected_write: Rate,
    pub lost_write: Rate,
}

/// Which invariants are checked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Checks {
    /// Groups, ids and names; none at all means every invariant. See [`Selection`].
    pub only: Vec<String>,
}

/// What the clients' history must satisfy at the end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct History {
    /// The consistency model: what a write-ahead log with one writer promises is `strong-serializable`.
    #[serde(with = "model_name")]
    pub model: Model,
}

/// A model by its usual name.
mod model_name {
    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::check::Model;

    pub(super) fn serialize<S: Serializer>(model: &Model, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(model.name())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Model, D::Error> {
        let known = || Model::all().map(Model::name).collect::<Vec<_>>().join(", ");
        let name = String::deserialize(deserializer)?;
        name.parse().map_err(|_| D::Error::custom(format!("`{name}` is no model; known are {}", known())))
    }
}

/// When a run ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Bounds {
    /// Actions after which clients start nothing new.
    pub steps: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { steps: 20_000 }
    }
}

/// Expected probes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Probes {
    /// Names from the probe table.
    pub expected: Vec<String>,
}

/// Some connections that behave alike.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Clients {
    /// How many.
    pub count: u8,
    /// What each of them draws from for as long as the run lasts: the name of a transaction template and its weight.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub mix: BTreeMap<String, u32>,
    /// Or what each of them runs once, statement by statement; see [`program`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub program: Vec<String>,
    /// What each of them draws from for a second statement, which runs beside the first on the same connection.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub beside: BTreeMap<String, u32>,
    /// Or what that second statement runs once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub beside_program: Vec<String>,
}

impl Scenario {
    /// Reads and validates a scenario.
    ///
    /// # Errors
    /// Says where it is not TOML, which field is unknown, or which value makes no sense.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioError> {
        let scenario: Self = toml::from_str(text)?;
        scenario.validate()?;
        Ok(scenario)
    }

    /// A scenario in which everything that has a default has it, and in which nobody does anything.
    pub fn with_defaults() -> Self {
        let text = "name = \"none\"\nabout = \"nothing\"\nclients = []";
        toml::from_str(text).expect("the other fields have defaults")
    }

    /// What differs from the defaults besides the clients, as `section.key = value`.
    pub fn unusual_settings(&self) -> Vec<String> {
        let table = |scenario: &Self| toml::Table::try_from(scenario).expect("a scenario has a TOML form");
        let (own, usual) = (table(self), table(&Self::with_defaults()));
        let sections = own.iter().filter_map(|(name, section)| Some((name, section.as_table()?, usual.get(name)?)));
        let settings = sections.flat_map(|(name, section, usual)| {
            let differs = section.iter().filter(|(key, value)| usual.get(*key) != Some(value));
            differs.map(move |(key, value)| format!("{name}.{key} = {value}"))
        });
        settings.collect()
    }

    /// The bug that is planted in every run.
    pub fn planted(&self) -> Planted {
        Planted(self.plant.as_deref().and_then(Bug::from_id))
    }

    /// The slots of the disk's ring, `None` for as many as are wanted.
    pub fn ring_slots(&self) -> Option<u16> {
        Some(self.disk.ring_slots).filter(|slots| *slots > 0)
    }

    /// Whether a power loss may spoil what lay beside the bytes being written.
    pub fn can_spoil_sectors(&self) -> bool {
        let torn = self.crash_images.as_ref().is_some_and(|images| images.torn.contains(&Torn::Spoilt));
        self.faults.spoilt_sectors.is_on() || torn
    }

    /// How many connections there are.
    pub fn connections(&self) -> u8 {
        self.clients.iter().map(|clients| clients.count).sum()
    }

    /// Which clients each connection belongs to, in order of their numbers.
    pub fn each_client(&self) -> impl Iterator<Item = &Clients> {
        self.clients.iter().flat_map(|clients| std::iter::repeat_n(clients, usize::from(clients.count)))
    }

    /// Which invariants are checked.
    ///
    /// # Panics
    /// If the scenario was not validated.
    pub fn selection(&self) -> Selection {
        Selection::of(&self.checks.only).expect("the scenario is valid")
    }

    /// Whether every client runs a program, so that the scenario has an end.
    pub fn is_finite(&self) -> bool {
        self.clients.iter().all(|clients| clients.mix.is_empty() && clients.beside.is_empty())
    }

    /// The models' part of the configuration.
    pub fn config(&self) -> Config {
        Config {
            page_size: self.database.page_size,
            cache_pages: self.database.cache_pages,
            read_slots: self.database.read_slots,
            sync: self.database.sync.into(),
            micro: self.schedule.micro,
            header: self.schedule.header.into(),
            rehearse_change: self.schedule.rehearse_change,
            busy_retries: self.database.busy_retries,
            read_retries: self.database.read_retries,
            auto_checkpoint: self.database.auto_checkpoint,
            create: self.database.create,
            layout_changes: self.database.layout_changes,
            buffer_pool: self.database.buffer_pool,
            checkpoint_source: self.database.checkpoint_source.into(),
            powersafe_overwrite: self.disk.powersafe_overwrite,
            ..Config::default()
        }
    }
}
