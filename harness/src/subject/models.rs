//! The models as a subject.

use falken_models::connection::{Connection, Op, Outcome, StatementId};
use falken_models::disk::Disk;
use falken_models::event::EventLog;
use falken_models::io::{IOCompletions, IOResult};
use falken_models::session::{Config, Error, Shared};
use falken_models::sync::Arc;

use super::{Internals, Subject};

/// A process that runs the models.
pub struct Models {
    config: Config,
    disk: Arc<Disk>,
    log: Arc<EventLog>,
    shared: Arc<Shared>,
    connections: Vec<Option<Connection>>,
    /// How many processes there have been: salts must not repeat after a crash.
    lives: u64,
}

impl Models {
    /// A process that has not opened the database yet.
    pub fn new(config: Config, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        let shared = Shared::new(config, Arc::clone(&disk), Arc::clone(&log));
        Self { config, disk, log, shared, connections: Vec::new(), lives: 0 }
    }

    fn connection(&mut self, conn: u8) -> &mut Connection {
        self.connections[usize::from(conn)].as_mut().expect("the connection is open")
    }
}

impl Subject for Models {
    fn open(&mut self) {
        self.lives += 1;
        let salt_seed = self.config.salt_seed.wrapping_add(self.lives << 32);
        let config = Config { salt_seed, ..self.config };
        self.shared = Shared::new(config, Arc::clone(&self.disk), Arc::clone(&self.log));
    }

    fn connect(&mut self, conn: u8) {
        let slot = usize::from(conn);
        if self.connections.len() <= slot {
            self.connections.resize_with(slot + 1, || None);
        }
        self.connections[slot] = Some(Connection::new(conn, Arc::clone(&self.shared)));
    }

    fn set_micro(&mut self, conn: u8, micro: bool) {
        self.connection(conn).set_micro(micro);
    }

    fn submit(&mut self, id: StatementId, op: Op) {
        self.connection(id.conn).submit(id.slot, op);
    }

    #[inline]
    fn step(&mut self, id: StatementId) -> Result<IOResult<Outcome>, Error> {
        self.connection(id.conn).step(id.slot)
    }

    #[inline]
    fn awaiting(&self, id: StatementId) -> Option<&IOCompletions> {
        self.connections[usize::from(id.conn)].as_ref()?.awaiting(id.slot)
    }

    fn in_transaction(&self, conn: u8) -> bool {
        self.connections[usize::from(conn)].as_ref().is_some_and(Connection::in_transaction)
    }

    fn abandon(&mut self, id: StatementId) {
        self.connection(id.conn).abandon(id.slot);
    }

    fn interrupt(&mut self, conn: u8) {
        self.connection(conn).interrupt();
    }

    fn give_up_all(&mut self, conn: u8) {
        self.connection(conn).give_up_all();
    }

    fn crash(&mut self) {
        self.connections.clear();
    }

    fn spawn(&self, disk: Arc<Disk>, log: Arc<EventLog>) -> Self {
        // Where nobody else runs there is nobody to switch to.
        Self::new(Config { micro: false, ..self.config }, disk, log)
    }

    fn inspect(&self) -> Option<Internals<'_>> {
        Some(Internals { shared: &self.shared, connections: &self.connections })
    }
}
