//! Several completions that finish as one.

use super::completion::{GroupHandle, Repr};
use super::core::{Callback, Core};
use super::{Completion, CompletionError, CompletionKind};
use crate::bug::Planted;
use crate::sync::Arc;

/// Collects completions into one that finishes when all of them have, with the first error in order of finishing.
///
/// Members may be unfinished, finished, explicit yields or groups, and may finish on another thread at any moment
/// while they are added; one that had finished before counts as finishing when it is added. A group without members
/// finishes when it is built. Dropping the builder without [`build`](Self::build) gives the group up: its callback
/// never runs and is freed, and its members go on by themselves.
///
/// ```
/// use falken_models::io::{Completion, CompletionGroup};
///
/// let (a, b) = (Completion::new_sync(|_| {}), Completion::new_sync(|_| {}));
/// let mut group = CompletionGroup::new(|result| assert_eq!(result, Ok(0)));
/// group.add(&a);
/// group.add(&b);
/// let all = group.build();
/// a.complete(0);
/// assert!(!all.finished());
/// b.complete(0);
/// assert!(all.succeeded());
/// ```
#[must_use = "a group that is not built never finishes"]
pub struct CompletionGroup {
    core: Arc<Core>,
    members: Vec<Completion>,
}

impl CompletionGroup {
    /// A group whose `callback` runs exactly once, when it has been built and all members have finished.
    pub fn new<F>(callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        Self::new_planted(Planted::default(), callback)
    }

    /// [`new`](Self::new) with a planted bug of the `io` class.
    pub fn new_planted<F>(planted: Planted, callback: F) -> Self
    where
        F: FnMut(Result<i32, CompletionError>) + Send + 'static,
    {
        // The count starts at one, held by the builder: members that finish early cannot finish the group.
        let callback = Callback::Plain(Box::new(callback));
        Self { core: Core::new(CompletionKind::Group, planted, 1, Some(callback)), members: Vec::new() }
    }

    /// Adds a member.
    ///
    /// # Panics
    /// If `member` is unfinished and already belongs to a group: it could tell only one of them.
    pub fn add(&mut self, member: &Completion) {
        self.core.expect_member();
        member.link_to(&self.core);
        self.members.push(member.clone());
    }

    /// Aborts every unfinished member; see [`Completion::abort`]. The group itself still has to be built.
    pub fn cancel(&self) {
        self.members.iter().for_each(Completion::abort);
    }

    /// Closes the group and returns its completion, which has already finished if all members have.
    pub fn build(mut self) -> Completion {
        let (core, members) = (Arc::clone(&self.core), std::mem::take(&mut self.members));
        core.member_finished(None);
        Completion(Repr::Group(Arc::new(GroupHandle { core, members })))
    }
}

impl Drop for CompletionGroup {
    /// Lets go of the members of a group that was given up; a built group has handed them on.
    fn drop(&mut self) {
        self.members.iter().for_each(|member| member.unlink_from(&self.core));
    }
}
