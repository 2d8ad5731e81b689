//! The numbers of sources: what is a descriptor elsewhere.
//!
//! A source of this process has an odd number from [`FIRST`] on. A socket has its own number, which is a handle, and so
//! a multiple of four. A number of a source is not used again before a thousand million others were.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use super::code;
use super::source::Source;
use crate::sync::lock;

/// A number of a source or a socket.
pub type Fileno = i32;

/// The lowest number of a source.
const FIRST: Fileno = 0x4000_0001;

static TABLE: LazyLock<Mutex<Table>> = LazyLock::new(|| Mutex::new(Table { next: FIRST, by_number: HashMap::new() }));

struct Table {
    next: Fileno,
    by_number: HashMap<Fileno, Weak<dyn Source>>,
}

/// The number of a source, for as long as this lives.
#[derive(Debug)]
pub(super) struct Number(Fileno);

impl Number {
    /// Gives a source a number of its own.
    pub(super) fn new(source: Weak<dyn Source>) -> Number {
        let mut table = lock(&TABLE);
        loop {
            let number = table.next;
            table.next = number.checked_add(2).unwrap_or(FIRST);
            if let Entry::Vacant(place) = table.by_number.entry(number) {
                place.insert(source);
                return Number(number);
            }
        }
    }

    /// Returns the number.
    pub(super) fn get(&self) -> Fileno {
        self.0
    }

    /// Lends the number.
    pub(super) fn lend(&self) -> Descriptor<'_> {
        Descriptor { number: self.0, lifetime: PhantomData }
    }
}

impl Drop for Number {
    fn drop(&mut self) {
        lock(&TABLE).by_number.remove(&self.0);
    }
}

/// Returns the source with a number.
///
/// # Errors
///
/// That it is not open.
pub(super) fn find(number: Fileno) -> io::Result<Arc<dyn Source>> {
    lock(&TABLE).by_number.get(&number).and_then(Weak::upgrade).ok_or_else(|| code::error(code::NOT_OPEN))
}

/// A number that is lent: its source lives for as long.
#[derive(Clone, Copy, Debug)]
pub struct Descriptor<'a> {
    number: Fileno,
    lifetime: PhantomData<&'a ()>,
}

impl Descriptor<'_> {
    /// Returns the descriptor with a number that came from outside. It may not be open.
    pub(super) fn of_number<'a>(number: Fileno) -> Descriptor<'a> {
        Descriptor { number, lifetime: PhantomData }
    }

    /// Returns another number for the same source.
    pub fn try_clone_to_owned(&self) -> io::Result<OwnedDescriptor> {
        let source = find(self.number)?;
        Ok(OwnedDescriptor(Box::new(Owned { number: Number::new(Arc::downgrade(&source)), _source: source })))
    }
}

/// What has a number, and lends it.
pub trait AsDescriptor {
    /// Lends the number.
    fn as_fd(&self) -> Descriptor<'_>;
}

/// What has a number that outlives it.
pub trait AsFileno {
    /// Returns the number.
    fn as_raw_fd(&self) -> Fileno;
}

impl AsDescriptor for Descriptor<'_> {
    fn as_fd(&self) -> Descriptor<'_> {
        *self
    }
}

impl AsFileno for Descriptor<'_> {
    fn as_raw_fd(&self) -> Fileno {
        self.number
    }
}

/// A number that is owned, and keeps its source alive.
pub struct OwnedDescriptor(Box<Owned>);

struct Owned {
    number: Number,
    _source: Arc<dyn Source>,
}

impl AsDescriptor for OwnedDescriptor {
    fn as_fd(&self) -> Descriptor<'_> {
        self.0.number.lend()
    }
}

impl AsFileno for OwnedDescriptor {
    fn as_raw_fd(&self) -> Fileno {
        self.0.number.get()
    }
}

impl fmt::Debug for OwnedDescriptor {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("OwnedDescriptor").field(&self.0.number).finish()
    }
}
