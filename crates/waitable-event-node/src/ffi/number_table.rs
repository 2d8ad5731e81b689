//! Things that JavaScript names by a number.
//!
//! A number is an index and a generation: what was named by a number is found by no other one, and a number that is
//! used too late finds nothing. The index of a thing that was removed is used again with the next generation. After the
//! last generation it rests, until all indices rest: numbers begin anew after two thousand million things.

/// The bits of a number that are the index. The generation has the others of 31 bits: a number is never negative in an
/// `Int32Array`.
const INDEX_BITS: u32 = 20;
const CAPACITY: usize = 1 << INDEX_BITS;
const LAST_GENERATION: u32 = (1 << (31 - INDEX_BITS)) - 1;

/// Things, by number.
pub struct NumberTable<T> {
    entries: Vec<Entry<T>>,
    /// The indices to use next.
    free: Vec<u32>,
    /// The indices that have had their last generation.
    resting: Vec<u32>,
}

struct Entry<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Default for NumberTable<T> {
    fn default() -> Self {
        NumberTable { entries: Vec::new(), free: Vec::new(), resting: Vec::new() }
    }
}

impl<T> NumberTable<T> {
    /// Adds a thing, and returns its number. Gives the thing back when there are a million already.
    pub fn insert(&mut self, value: T) -> Result<u32, T> {
        if self.free.is_empty() && self.entries.len() == CAPACITY {
            std::mem::swap(&mut self.free, &mut self.resting);
        }
        let index = match self.free.pop() {
            Some(index) => index,
            None if self.entries.len() < CAPACITY => {
                self.entries.push(Entry { generation: 0, value: None });
                // Below the capacity, which has 20 bits.
                self.entries.len() as u32 - 1
            }
            None => return Err(value),
        };
        let entry = &mut self.entries[index as usize];
        entry.value = Some(value);
        Ok(entry.generation << INDEX_BITS | index)
    }

    /// Returns the thing with this number.
    pub fn get(&self, number: u32) -> Option<&T> {
        let entry = self.entries.get(index_of(number))?;
        if entry.generation == generation_of(number) { entry.value.as_ref() } else { None }
    }

    /// Returns the thing with this number, to change it.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        let entry = self.entries.get_mut(index_of(number))?;
        if entry.generation == generation_of(number) { entry.value.as_mut() } else { None }
    }

    /// Removes and returns the thing with this number.
    pub fn remove(&mut self, number: u32) -> Option<T> {
        let index = index_of(number);
        let entry = self.entries.get_mut(index).filter(|entry| entry.generation == generation_of(number))?;
        let value = entry.value.take()?;
        let is_last = entry.generation == LAST_GENERATION;
        entry.generation = if is_last { 0 } else { entry.generation + 1 };
        let list = if is_last { &mut self.resting } else { &mut self.free };
        list.push(index as u32);
        Some(value)
    }

    /// Removes and returns all things.
    pub fn drain(&mut self) -> impl Iterator<Item = T> + use<T> {
        std::mem::take(self).entries.into_iter().filter_map(|entry| entry.value)
    }
}

fn index_of(number: u32) -> usize {
    number as usize & (CAPACITY - 1)
}

/// Returns the generation in a number. One that no table returned may have a greater one than there is.
fn generation_of(number: u32) -> u32 {
    number >> INDEX_BITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_removed_number_does_not_find_what_came_after_it() {
        let mut table = NumberTable::default();
        let mut numbers = Vec::new();
        for round in 0..3 * LAST_GENERATION {
            let number = table.insert(round);
            assert!(number.is_ok_and(|number| !numbers.contains(&number) && number <= i32::MAX as u32));
            let number = number.unwrap_or(u32::MAX);
            assert_eq!(table.get(number), Some(&round));
            assert_eq!(table.remove(number), Some(round));
            assert_eq!(table.get(number), None);
            assert_eq!(table.remove(number), None);
            numbers.push(number);
        }
        assert!(table.entries.len() <= 4, "indices are used again");
        let live = table.insert(7);
        assert!(numbers.iter().all(|number| table.get(*number).is_none() && table.get_mut(*number).is_none()));
        assert_eq!(table.get(u32::MAX), None);
        assert_eq!(live.ok().and_then(|number| table.get(number)), Some(&7));
    }

    #[test]
    fn a_full_table_takes_no_more_and_begins_anew() {
        let mut table = NumberTable::default();
        let numbers: Vec<u32> = (0..CAPACITY).filter_map(|value| table.insert(value).ok()).collect();
        assert_eq!(numbers.len(), CAPACITY);
        assert_eq!(table.insert(0), Err(0));
        table.remove(numbers[5]);
        for _ in 0..LAST_GENERATION {
            let number = table.insert(1);
            assert_eq!(number.ok().and_then(|number| table.remove(number)), Some(1));
        }
        assert_eq!(table.resting, [5]);
        assert_eq!(table.insert(2), Ok(5));
    }
}
