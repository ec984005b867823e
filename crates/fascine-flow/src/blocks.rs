use std::fmt;
use std::iter::Flatten;
use std::ops::{Index, IndexMut};
use std::slice;

/// A list that grows without moving what is in it, in blocks: a vector of so many steps would spend more time on making
/// room for them than on adding them.
pub(crate) struct Blocks<T> {
    /// All but the last are full.
    blocks: Vec<Vec<T>>,
}

impl<T> Blocks<T> {
    pub(crate) fn push(&mut self, item: T) {
        match self.blocks.last_mut() {
            Some(block) if block.len() < BLOCK => block.push(item),
            // The first is made as large as it has to be: most lists are short.
            None => self.blocks.push(vec![item]),
            Some(_) => {
                let mut block = Vec::with_capacity(BLOCK);
                block.push(item);
                self.blocks.push(block);
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        let full = self.blocks.len().saturating_sub(1);
        full * BLOCK + self.blocks.last().map_or(0, Vec::len)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    pub(crate) fn get(&self, place: usize) -> Option<&T> {
        self.blocks.get(place / BLOCK)?.get(place % BLOCK)
    }

    pub(crate) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.blocks.get_mut(place / BLOCK)?.get_mut(place % BLOCK)
    }

    pub(crate) fn iter(&self) -> Flatten<slice::Iter<'_, Vec<T>>> {
        self.blocks.iter().flatten()
    }

    pub(crate) fn iter_mut(&mut self) -> Flatten<slice::IterMut<'_, Vec<T>>> {
        self.blocks.iter_mut().flatten()
    }
}

impl<'a, T> IntoIterator for &'a Blocks<T> {
    type Item = &'a T;
    type IntoIter = Flatten<slice::Iter<'a, Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut Blocks<T> {
    type Item = &'a mut T;
    type IntoIter = Flatten<slice::IterMut<'a, Vec<T>>>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}

impl<T> Index<usize> for Blocks<T> {
    type Output = T;

    fn index(&self, place: usize) -> &T {
        &self.blocks[place / BLOCK][place % BLOCK]
    }
}

impl<T> IndexMut<usize> for Blocks<T> {
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.blocks[place / BLOCK][place % BLOCK]
    }
}

impl<T> Default for Blocks<T> {
    fn default() -> Self {
        Self { blocks: Vec::new() }
    }
}

impl<T: fmt::Debug> fmt::Debug for Blocks<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

const BLOCK: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_list() {
        let mut blocks = Blocks::default();
        assert!(blocks.is_empty());
        assert_eq!(blocks.get(0), None);
        for count in 0..3 * BLOCK + 1 {
            assert_eq!(blocks.len(), count);
            blocks.push(count);
        }
        assert!(blocks.iter().copied().eq(0..3 * BLOCK + 1));
        assert_eq!(blocks[BLOCK], BLOCK);
        assert_eq!(blocks.get(3 * BLOCK), Some(&(3 * BLOCK)));
        assert_eq!(blocks.get(3 * BLOCK + 1), None);
        blocks[BLOCK - 1] = 7;
        assert_eq!(blocks.get_mut(BLOCK - 1), Some(&mut 7));
        assert_eq!(blocks.iter_mut().filter(|item| **item == 7).count(), 2);
    }
}
