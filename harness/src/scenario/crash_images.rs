//! Which crash images are made.

use falken_models::disk::Tear;
use serde::{Deserialize, Serialize};

use crate::action::CrashKind;
use crate::image::Barrier;

/// Which crash images are made, and when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CrashImages {
    /// What goes down: the power, the process, or each in turn.
    pub crashes: Vec<CrashKind>,
    /// When images are enumerated.
    pub barriers: Vec<Barrier>,
    /// The most images at one moment; with more choices than that they are reduced and sampled.
    pub images_max: u32,
    /// The same for the crash of a process that went on after one; 0 for no second crash.
    pub second_images_max: u32,
    /// A power loss may also leave sectors torn in these ways.
    pub torn: Vec<Torn>,
}

impl Default for CrashImages {
    fn default() -> Self {
        Self {
            crashes: CrashKind::ALL.into(),
            barriers: Barrier::ALL.into(),
            images_max: 4096,
            second_images_max: 256,
            torn: Vec::new(),
        }
    }
}

/// How a sector may be torn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[allow(missing_docs, reason = "see Tear")]
pub enum Torn {
    Halves,
    Zeros,
    Noise,
    Spoilt,
}

impl CrashImages {
    /// The ways in which sectors may be torn, as the disk knows them.
    pub fn tears(&self) -> Vec<Tear> {
        let tear = |torn: &Torn| match torn {
            Torn::Halves => Tear::Parted { eighths: 4 },
            Torn::Zeros => Tear::Zeros,
            Torn::Noise => Tear::Noise,
            Torn::Spoilt => Tear::Spoilt,
        };
        self.torn.iter().map(tear).collect()
    }
}
