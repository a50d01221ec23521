//! The bounded queue between the async callers and the database threads.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use tokio::sync::Semaphore;

/// A queue that is filled by tasks, which wait without a thread while it is full,
/// and emptied by threads, which sleep while it is empty.
pub(crate) struct Queue<T> {
    state: Mutex<State<T>>,
    filled: Condvar,
    /// One permit for each free place. Closed together with the queue.
    room: Semaphore,
}

struct State<T> {
    items: VecDeque<T>,
    closed: bool,
    /// Threads that sleep and that nobody has woken yet. A wake-up is a system
    /// call, so an item pushed while all threads are busy must not cost one.
    sleeping: usize,
}

impl<T> Queue<T> {
    /// A queue with `limit` places.
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                items: VecDeque::new(),
                closed: false,
                sleeping: 0,
            }),
            filled: Condvar::new(),
            room: Semaphore::new(limit),
        }
    }

    /// Waits for a free place and appends the item. A closed queue gives it back.
    ///
    /// Dropping the future before it is ready leaves the queue as it was.
    pub(crate) async fn push(&self, item: T) -> Result<(), T> {
        let Ok(place) = self.room.acquire().await else {
            return Err(item);
        };
        let mut state = self.lock();
        if state.closed {
            return Err(item);
        }
        place.forget();
        state.items.push_back(item);
        let wake = state.sleeping > 0;
        if wake {
            state.sleeping -= 1;
        }
        drop(state);
        if wake {
            self.filled.notify_one();
        }
        Ok(())
    }

    /// Takes the next item, sleeping until there is one. `None` once the queue is
    /// closed and empty.
    pub(crate) fn pop(&self) -> Option<T> {
        let item = self.filled()?.items.pop_front();
        self.room.add_permits(1);
        item
    }

    /// Hands up to `most` items to `take`, sleeping until there is at least one.
    /// `false` once the queue is closed and empty.
    pub(crate) fn pop_many(&self, most: usize, take: impl FnMut(T)) -> bool {
        match self.filled() {
            Some(state) => {
                self.drain(state, most, take);
                true
            }
            None => false,
        }
    }

    /// Hands up to `most` of the items that are there to `take`, without sleeping.
    pub(crate) fn pop_ready(&self, most: usize, take: impl FnMut(T)) {
        self.drain(self.lock(), most, take);
    }

    fn drain(&self, mut state: MutexGuard<'_, State<T>>, most: usize, take: impl FnMut(T)) {
        let count = state.items.len().min(most);
        state.items.drain(..count).for_each(take);
        drop(state);
        self.room.add_permits(count);
    }

    /// Refuses further items. Those already queued are still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.room.close();
        self.filled.notify_all();
    }

    /// Sleeps until there is an item; `None` if there will never be one.
    fn filled(&self) -> Option<MutexGuard<'_, State<T>>> {
        let mut state = self.lock();
        while state.items.is_empty() {
            if state.closed {
                return None;
            }
            state.sleeping += 1;
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        Some(state)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
