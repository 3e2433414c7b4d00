//! What a form gets for one execution, and the pieces that forms are made of.

use crate::bug::Planted;
use crate::event::{Event, EventLog};
use crate::io::{Completion, CompletionError, CompletionGroup, CompletionKind};
use crate::sync::{Arc, Body, Unseen};

/// A line in a lane: what a thread did next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Which thread.
    pub lane: &'static str,
    /// What it did.
    pub text: String,
}

/// One execution: the planted bug, and where what happens is written down.
#[derive(Clone, Default)]
pub struct Stage {
    /// The planted bug, if any.
    pub planted: Planted,
    /// What threads did, if somebody wants to read it.
    pub notes: Option<Unseen<Vec<Note>>>,
    /// What engines did.
    pub events: Unseen<Vec<Event>>,
}

/// How a contender ends an operation.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Complete(i32),
    Error(CompletionError),
    Abort,
}

impl End {
    /// The result that this means.
    pub(super) fn result(self) -> Result<i32, CompletionError> {
        match self {
            Self::Complete(n) => Ok(n),
            Self::Error(error) => Err(error),
            Self::Abort => Err(CompletionError::Aborted),
        }
    }
}

impl Stage {
    /// Writes down what a thread does; costs nothing when nobody reads it.
    pub fn note(&self, lane: &'static str, text: impl FnOnce() -> String) {
        if let Some(notes) = &self.notes {
            let text = text();
            notes.with(|notes| notes.push(Note { lane, text }));
        }
    }

    /// Where the engine of this execution writes its events.
    pub(super) fn log(&self) -> Arc<EventLog> {
        Arc::new(EventLog::into(self.events.clone()))
    }

    /// A write that reports to `calls`.
    pub(super) fn write(&self, name: &'static str, calls: &Calls) -> Completion {
        Completion::new_planted(CompletionKind::Write, self.planted, calls.recorder(self, name))
    }

    /// A group of these members that reports to `calls`.
    pub(super) fn group<'a>(
        &self,
        name: &'static str,
        members: impl IntoIterator<Item = &'a Completion>,
        calls: &Calls,
    ) -> Completion {
        let mut group = CompletionGroup::new_planted(self.planted, calls.recorder(self, name));
        members.into_iter().for_each(|member| group.add(member));
        group.build()
    }

    /// Ends an operation; whether this was the first end, if the way of ending tells.
    pub(super) fn end(&self, lane: &'static str, completion: &Completion, end: End) -> Option<bool> {
        self.note(lane, || format!("{end:?} …"));
        let first = match end {
            End::Complete(n) => Some(completion.complete(n)),
            End::Error(error) => Some(completion.error(error)),
            End::Abort => {
                completion.abort();
                None
            }
        };
        self.note(lane, || {
            format!("… {end:?} has returned {}", first.map_or(String::new(), |first| first.to_string()))
        });
        first
    }

    /// A thread that ends an operation.
    pub(super) fn device(&self, lane: &'static str, completion: &Completion, end: End) -> Body {
        let (stage, completion) = (self.clone(), completion.clone());
        Box::new(move || {
            stage.end(lane, &completion, end);
        })
    }
}

/// What callbacks were called with.
#[derive(Clone, Default)]
pub(super) struct Calls(Unseen<Vec<Result<i32, CompletionError>>>);

impl Calls {
    /// A callback that writes down its calls.
    pub(super) fn recorder(
        &self,
        stage: &Stage,
        name: &'static str,
    ) -> impl FnMut(Result<i32, CompletionError>) + Send + use<> {
        let (calls, stage) = (self.clone(), stage.clone());
        move |result| {
            stage.note(name, || format!("its callback gets {result:?}"));
            calls.0.with(|calls| calls.push(result));
        }
    }

    /// The calls so far.
    pub(super) fn seen(&self) -> Vec<Result<i32, CompletionError>> {
        self.0.with(|calls| calls.clone())
    }
}
