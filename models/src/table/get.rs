//! Reading one row.

use strum::VariantNames;

use super::format::decode_record;
use super::node;
use super::overflow::ReadPayload;
use super::seek::Seek;
use crate::io::StateTransition;
use crate::io::TransitionResult::{Continue, Done};
use crate::session::{Error, Session, Turn};
use crate::turn;
use crate::visits::first_state;

/// Gives the value of a key, if there is one.
#[derive(Debug, Hash)]
pub struct Get {
    key: i64,
    state: State,
}

#[derive(Debug, Hash, VariantNames)]
pub(super) enum State {
    Seek(Seek),
    Read(ReadPayload),
}

impl Get {
    /// A machine that reads `key`.
    pub fn new(key: i64) -> Self {
        Self { key, state: State::Seek(Seek::new(key)) }
    }

    /// Starts again: the pages that it holds may be out of date.
    pub(crate) fn reposition(&mut self) {
        *self = Self::new(self.key);
    }
}

impl StateTransition<Session> for Get {
    type Output = Option<Vec<u8>>;
    type Error = Error;

    fn transition(&mut self, s: &mut Session) -> Turn<Self::Output> {
        s.enter(const { first_state("table.get") }, &self.state);
        match &mut self.state {
            State::Seek(seek) => {
                let path = turn!(seek.transition(s));
                let found = path.leaf.read(|page| {
                    Ok::<_, Error>(node::find_in_leaf(page, self.key)?.ok().map(|cell| ReadPayload::new(&cell)))
                })?;
                let Some(read) = found else {
                    return Ok(Done(None));
                };
                self.state = State::Read(read);
                Ok(Continue)
            }
            State::Read(read) => {
                let record = turn!(read.transition(s));
                Ok(Done(Some(decode_record(&record)?.to_vec())))
            }
        }
    }
}
